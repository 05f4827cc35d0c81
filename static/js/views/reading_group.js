// Readings that follow each other in a thread are one line that can be opened: the chart shows them better.
import { element } from '../dom.js';
import { formatFigure, formatReading, readingOf } from '../readings.js';
import { clockTime, exactTime, parseTime } from '../time.js';

export class ReadingGroup {
    #readings = [];
    #summary = element('summary');
    #list = element('ol');

    constructor() {
        this.element = element(
            'li',
            { class: 'readings' },
            element('details', {}, this.#summary, this.#list),
        );
    }

    add(record) {
        const reading = readingOf(record.metadata, record.timestamp);
        const time = parseTime(record.timestamp);
        if (reading) this.#readings.push(reading);
        this.#list.append(
            element(
                'li',
                { 'data-id': record.id },
                element('time', { datetime: record.timestamp, title: exactTime(time) }, clockTime(time)),
                ' ',
                reading ? formatReading(reading) : record.message,
            ),
        );
        this.#draw();
    }

    #draw() {
        const count = this.#list.children.length;
        const last = this.#readings.at(-1);
        const values = this.#readings.map(({ value }) => value);
        const range =
            count > 1 && last
                ? `, ${formatFigure(Math.min(...values))} to ${formatFigure(Math.max(...values))} ${last.unit}`
                : '';
        this.#summary.textContent =
            count === 1 ? `1 reading${last ? `: ${formatReading(last)}` : ''}` : `${count} readings${range}`;
    }
}

export const isReading = (record) =>
    record.direction === 'in' &&
    record.kind === 'subscription' &&
    readingOf(record.metadata, record.timestamp) !== null;
