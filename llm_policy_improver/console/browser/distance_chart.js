// The distance to the goal over trials: dots, what was expected of each before the ball, the best so far.
export default {
  props: { trials: Array, chosen: Number, reachable: Object },
  data: () => ({ width: 640, height: 260 }),
  mounted() {
    this.observer = new ResizeObserver(([entry]) => { this.width = Math.max(entry.contentRect.width, 240); });
    this.observer.observe(this.$el);
  },
  beforeUnmount() { this.observer.disconnect(); },
  computed: {
    box() { return { left: 46, right: this.width - 10, top: 18, bottom: this.height - 34 }; },
    measured() { return this.trials.filter((each) => each.distance !== null); },
    within() { return this.measured.filter((each) => each.distance <= this.top); },
    cut() { return this.measured.filter((each) => each.distance > this.top); },
    failed() { return this.trials.filter((each) => !each.place); },
    expected() { return this.trials.filter((each) => each.expected); },
    // Improvements are what it is about: their scale, with the first trials cut off above it.
    top() {
      const of = (some) => some.map((each) => each.distance);
      const all = of(this.measured), improved = of(this.measured.filter((each) => !each.first));
      const wanted = improved.length >= 4 ? Math.max(...improved) * 1.6 : Math.max(...all, 0.1) * 1.1;
      return Math.max(Math.min(wanted, Math.max(...all, 0.1) * 1.1), 0.05);
    },
    last() { return this.trials.length ? this.trials[this.trials.length - 1].number : 1; },
    begin() { return this.trials.find((each) => !each.first)?.number; },
    ticks() {
      const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1].find((each) => this.top / each <= 5) ?? 2;
      return Array.from({ length: Math.floor(this.top / step) + 1 }, (_, k) => k * step);
    },
    numbers() {
      const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((each) => this.last / each <= this.width / 60) ?? 1000;
      return Array.from({ length: Math.floor(this.last / step) }, (_, k) => (k + 1) * step);
    },
    best() {
      const some = this.trials.filter((each) => each.lowest !== null);
      if (!some.length) return "";
      let line = `M${this.x(some[0].number)} ${this.y(some[0].lowest)}`;
      for (const each of some.slice(1)) line += `H${this.x(each.number)}V${this.y(each.lowest)}`;
      return line;
    },
    told() {
      const lowest = this.trials.length ? this.trials[this.trials.length - 1].lowest : null;
      const best = lowest === null ? "none could be measured" : `the best so far is ${lowest.toFixed(3)} m`;
      return `Distance to the goal over ${this.trials.length} trials: ${best}. ` +
        `All trials stand in the table "All trials" below.`;
    },
  },
  methods: {
    x(number) { return this.box.left + ((number - 0.5) / this.last) * (this.box.right - this.box.left); },
    y(distance) {
      const share = Math.min(distance / this.top, 1.04);
      return this.box.bottom - share * (this.box.bottom - this.box.top);
    },
    arrow(x, y) { return `M${x} ${y - 5}l5 8h-10Z`; },
    pick(event) {
      const at = event.offsetX, near = this.trials.reduce(
        (a, b) => (Math.abs(this.x(b.number) - at) < Math.abs(this.x(a.number) - at) ? b : a), this.trials[0]);
      if (near) this.$emit("choose", near.number);
    },
  },
  template: `
  <div class="distance-chart">
    <svg role="img" :aria-label="told" :width="width" :height="height" @click="pick">
      <g class="grid">
        <g v-for="tick in ticks" :key="tick">
          <line :x1="box.left" :x2="box.right" :y1="y(tick)" :y2="y(tick)" />
          <text :x="box.left - 6" :y="y(tick) + 4" text-anchor="end">{{ Number(tick.toFixed(2)) }}</text>
        </g>
        <text v-for="number in numbers" :key="'x' + number" :x="x(number)" :y="box.bottom + 16" text-anchor="middle">{{ number }}</text>
        <text :x="box.right" :y="height - 4" text-anchor="end">trial</text>
        <text :x="4" :y="height - 4">m to the goal{{ cut.length ? "; ▲ more than is shown" : "" }}</text>
        <line v-if="begin && begin > 1" class="begin" :x1="x(begin - 0.5)" :x2="x(begin - 0.5)" :y1="box.top" :y2="box.bottom" />
        <text v-if="begin && begin > 1" :x="x(begin - 0.5) + 4" :y="box.top + 10">proposals</text>
      </g>
      <line v-if="chosen" class="now" :x1="x(chosen)" :x2="x(chosen)" :y1="box.top" :y2="box.bottom" />
      <line v-for="each in expected" :key="'e' + each.number" class="expected" :x1="x(each.number)" :x2="x(each.number)"
        :y1="y(each.expected[0])" :y2="y(each.expected[1])" />
      <line v-if="reachable" class="reachable" :x1="box.left" :x2="box.right" :y1="y(reachable.distance_m)" :y2="y(reachable.distance_m)">
        <title>{{ reachable.distance_m.toFixed(3) }} m</title>
      </line>
      <path :d="best" class="lowest" />
      <path v-for="each in cut" :key="'c' + each.number" :d="arrow(x(each.number), box.top)" :fill="each.colour" class="landing">
        <title>Trial {{ each.number }}: {{ each.distance.toFixed(3) }} m, more than is shown</title>
      </path>
      <circle v-for="each in within" :key="each.number" :cx="x(each.number)" :cy="y(each.distance)"
        :r="each.first ? 3 : 4.5" :fill="each.colour" class="landing">
        <title>Trial {{ each.number }}: {{ each.distance.toFixed(3) }} m</title>
      </circle>
      <text v-for="each in failed" :key="'f' + each.number" :x="x(each.number)" :y="box.top - 6" class="cross"
        text-anchor="middle">×<title>Trial {{ each.number }}: {{ each.outcome }}</title></text>
      <circle v-if="chosen && trials.find((each) => each.number === chosen)?.distance != null" class="ring chosen" r="7.5"
        :cx="x(chosen)" :cy="y(trials.find((each) => each.number === chosen).distance)" />
    </svg>
    <p class="key">
      <span v-if="expected.length"><i class="bar expected"></i>expected before the ball (8 of 10)</span>
      <span><i class="bar lowest"></i>best seen so far (under noise partly luck)</span>
      <span v-if="reachable"><i class="bar reachable"></i>reachable: the nearest that a search with {{ reachable.trials.toLocaleString("en") }} balls came in simulation</span>
      <span v-if="failed.length"><b class="cross">×</b> no good return</span>
    </p>
  </div>`,
};
