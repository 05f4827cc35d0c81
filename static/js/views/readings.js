// The panel over a thermometer's thread: last value, range, time, and the chart. Chart.js is loaded when first needed.
import { byId, element } from '../dom.js';
import { formatFigure, formatReading } from '../readings.js';
import { thermometer } from '../services.js';
import { themeColour } from '../theme.js';
import { clockTime, clockTimeSeconds } from '../time.js';

const chartSource = 'vendor/chart.min.js';
const shown = 120;
const minute = 60_000;
const steps = [
    1000,
    5000,
    15_000,
    30_000,
    minute,
    2 * minute,
    5 * minute,
    10 * minute,
    15 * minute,
    30 * minute,
    60 * minute,
];
const labelRoom = 72; // pixels
const ticksWanted = 6;
const pointsApart = 40;

let loading = null;

function loadChart() {
    loading ??= new Promise((resolve, reject) => {
        const script = element('script', { src: chartSource });
        script.onload = () => resolve(window.Chart);
        script.onerror = () => {
            loading = null;
            script.remove();
            reject(new Error('The chart could not be loaded. The next reading tries again.'));
        };
        document.head.append(script);
    });
    return loading;
}

export class ReadingsView {
    #conversation = null;
    #chart = null;

    constructor(theme) {
        theme.on('change', () => {
            this.#chart?.destroy();
            this.#chart = null;
            this.#draw();
        });
    }

    open(conversation) {
        this.#conversation =
            conversation?.peer === thermometer || conversation?.readings.size ? conversation : null;
        byId('readings').hidden = !this.#conversation;
        if (this.#conversation) this.#draw();
    }

    // Called when a message came into the open conversation.
    update(conversation) {
        if (conversation === this.#conversation) this.#draw();
        else if (conversation.readings.size && !this.#conversation) this.open(conversation);
    }

    #draw() {
        if (!this.#conversation) return;
        const readings = this.#conversation.readings;
        const summary = readings.summary();
        byId('no-readings').hidden = Boolean(summary);
        byId('last-value').textContent = summary ? formatReading(summary.last) : '–';
        byId('range-value').textContent = summary
            ? `${formatFigure(summary.lowest)} – ${formatFigure(summary.highest)} ${summary.last.unit}`
            : '–';
        byId('time-value').textContent = summary ? clockTimeSeconds(new Date(summary.last.time)) : '–';
        if (summary) this.#drawChart(readings.all().slice(-shown));
    }

    async #drawChart(readings) {
        let Chart;
        try {
            Chart = await loadChart();
        } catch (error) {
            byId('no-readings').hidden = false;
            byId('no-readings').textContent = error.message;
            return;
        }
        const points = readings.map(({ time, value }) => ({ x: time, y: value }));
        this.#chart ??= new Chart(byId('chart'), configuration());
        this.#chart.data.datasets[0].data = points;
        this.#chart.data.datasets[0].unit = readings.at(-1).unit;
        const { x } = this.#chart.options.scales;
        x.max = points.at(-1).x;
        x.min = Math.min(points[0].x, x.max - minute);
        this.#chart.update();
        byId('chart').dataset.points = points.length;
    }
}

function configuration() {
    const line = themeColour('accent');
    const muted = themeColour('muted');
    const grid = themeColour('border');
    return {
        type: 'line',
        data: {
            datasets: [
                {
                    data: [],
                    borderColor: line,
                    backgroundColor: themeColour('accent-faint'),
                    fill: 'start',
                    borderWidth: 2,
                    pointRadius: ({ dataIndex, dataset }) => radiusOf(dataIndex, dataset.data.length),
                    clip: false,
                    pointHoverRadius: 5,
                    pointBackgroundColor: line,
                    tension: 0.3,
                },
            ],
        },
        options: {
            parsing: false,
            maintainAspectRatio: false,
            animation: matchMedia('(prefers-reduced-motion: reduce)').matches ? false : { duration: 250 },
            interaction: { mode: 'nearest', axis: 'x', intersect: false },
            font: { family: getComputedStyle(document.body).fontFamily },
            scales: {
                x: {
                    type: 'linear',
                    afterBuildTicks: placeTicks,
                    ticks: { color: muted, maxRotation: 0, callback: labelOf },
                    grid: { display: false, borderColor: grid },
                },
                y: {
                    grace: '15%',
                    ticks: { color: muted, maxTicksLimit: 5, padding: 8 },
                    grid: { color: grid, borderColor: 'transparent', drawTicks: false },
                },
            },
            plugins: {
                legend: { display: false },
                tooltip: {
                    displayColors: false,
                    callbacks: {
                        title: ([item]) => clockTimeSeconds(new Date(item.parsed.x)),
                        label: (item) => `${formatFigure(item.parsed.y)} ${item.dataset.unit}`,
                    },
                },
            },
        },
    };
}

// Ticks at full minutes or hours rather than at round numbers of milliseconds, as many as have room beside each other.
function placeTicks(axis) {
    const span = axis.max - axis.min;
    const wanted = Math.min(ticksWanted, Math.max(1, Math.floor(axis.maxWidth / labelRoom)));
    const step =
        steps.find((size) => span / size <= wanted) ??
        Math.ceil(span / wanted / (60 * minute)) * 60 * minute;
    const ticks = [];
    for (let value = Math.ceil(axis.min / step) * step; value <= axis.max; value += step)
        ticks.push({ value });
    axis.ticks = ticks;
    axis.options.ticks.inSeconds = step < minute;
}

function labelOf(value) {
    const time = new Date(value);
    return this.options.ticks.inSeconds ? clockTimeSeconds(time) : clockTime(time);
}

// The last reading stands out; the others are points for as long as there is room between them.
function radiusOf(index, count) {
    if (index === count - 1) return 4;
    return count <= pointsApart ? 2 : 0;
}
