// A thermometer's readings, out of the metadata of its messages. Pure.
const units = new Map([
    ['c', '°C'],
    ['celsius', '°C'],
    ['°c', '°C'],
    ['f', '°F'],
    ['fahrenheit', '°F'],
    ['°f', '°F'],
    ['k', 'K'],
]);

const keptReadings = 500;

// {value, unit, time} or null.
export function readingOf(metadata, timestamp) {
    const value = metadata?.temperature;
    if (typeof value !== 'number' || !Number.isFinite(value)) return null;
    const unit = String(metadata.unit ?? 'C');
    const time = Date.parse(metadata.time ?? timestamp);
    if (Number.isNaN(time)) return null;
    return { value, unit: units.get(unit.toLowerCase()) ?? unit, time };
}

// All readings that a message carries: its own, or the list in the answer to "range".
export function readingsOf(record) {
    const { readings, unit } = record.metadata;
    const sources = Array.isArray(readings)
        ? readings.map((reading) => ({ unit, ...reading }))
        : [record.metadata];
    return sources.map((source) => readingOf(source, record.timestamp)).filter(Boolean);
}

export class Readings {
    #byTime = new Map();

    // Readings of the same moment are the same reading.
    add(readings) {
        for (const reading of readings) this.#byTime.set(reading.time, reading);
        if (this.#byTime.size > keptReadings) {
            for (const { time } of this.all().slice(0, -keptReadings)) this.#byTime.delete(time);
        }
    }

    get size() {
        return this.#byTime.size;
    }

    all() {
        return [...this.#byTime.values()].sort((a, b) => a.time - b.time);
    }

    // {last, lowest, highest} or null.
    summary() {
        const all = this.all();
        if (!all.length) return null;
        const values = all.map((reading) => reading.value);
        return { last: all.at(-1), lowest: Math.min(...values), highest: Math.max(...values) };
    }
}

const figure = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
export const formatFigure = (value) => figure.format(value);
export const formatReading = ({ value, unit }) => `${figure.format(value)} ${unit}`;
