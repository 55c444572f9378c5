// Plays whole trials in a scene of NiceGUI: a trial comes as one message, and every picture of it is made here.
const SPEEDS = [1, 0.5, 0.2, 0.05];
// Where the camera is and what it looks at, m, frame "table".
const VIEWS = {
  "the side": [2.1, -2.75, 1.45, 0, -0.3, 0.08],
  "behind the robot": [0, -3.9, 1.3, 0, 0.2, 0.05],
  "the opponent": [0.9, 3.1, 1.1, 0, -0.5, 0.1],
  above: [0, -0.31, 4.3, 0, -0.3, 0],
};

// ms after which the scene is drawn anew though nothing is known to have changed.
const STALE = 2000;

// The scene draws thirty pictures a second for as long as its page is open, which takes a processor without a graphics
// card: let it draw only what differs from the picture before. `version` tells of what is in it.
function drawOnlyChanges(renderer, version) {
  const draw = renderer.render.bind(renderer);
  let before = "", at = 0;
  renderer.render = (scene, camera) => {
    const { width, height } = renderer.domElement, now = performance.now();
    const key = [...camera.position.toArray(), ...camera.quaternion.toArray(), width, height, version()].join();
    if (key === before && now - at < STALE) return;
    before = key;
    at = now;
    draw(scene, camera);
  };
}

export default {
  props: { scene: Number, arms: Array, trials: Array, numbers: Array },
  data: () => ({ time: 0, playing: false, speed: 0.2, second: 0, view: "the side" }),
  computed: {
    end() {
      const last = (times) => (times.length ? times[times.length - 1] : 0);
      return Math.max(0.01, ...this.trials.map((each) => Math.max(last(each.joint_time), last(each.ball_time))));
    },
    ready() { return this.trials.length > 0; },
    speeds: () => SPEEDS,
    views: () => Object.keys(VIEWS),
  },
  watch: {
    trials(now, before) {
      if (now[0]?.number !== before[0]?.number) { this.playing = false; this.time = now[0]?.hit ?? 0; }
      if (now.length < 2) this.second = 0;
      this.show();
    },
    time() { this.show(); },
  },
  mounted() {
    this.time = this.trials[0]?.hit ?? 0;
    this.changes = 0;
    // The scene makes its objects one after the other: they are moved once all are there.
    this.waiting = setInterval(() => {
      // The wheel scrolls the page, and does not enlarge the scene that happens to come under it.
      const controls = getElement(this.scene)?.controls;
      if (controls) controls.enableZoom = false;
      if (!this.show() || !controls) return;
      clearInterval(this.waiting);
      drawOnlyChanges(getElement(this.scene).renderer, () => this.changes);
    }, 100);
  },
  beforeUnmount() { clearInterval(this.waiting); this.playing = false; },
  methods: {
    mesh(id) { return getElement(this.scene)?.objects?.get(id)?.mesh; },
    play() {
      if (this.playing) { this.playing = false; return; }
      if (this.time >= this.end - 1e-6) this.time = 0;
      this.playing = true;
      let before = performance.now();
      const next = (now) => {
        if (!this.playing) return;
        this.time = Math.min(this.time + (this.speed * (now - before)) / 1000, this.end);
        before = now;
        if (this.time >= this.end) this.playing = false;
        else requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    },
    restart() { this.time = 0; if (!this.playing) this.play(); },
    // The rows at a time, between those before and behind it.
    at(times, rows, time) {
      if (!times.length) return null;
      let high = times.findIndex((each) => each >= time);
      if (high < 0) return rows[rows.length - 1];
      if (high === 0) return rows[0];
      const share = (time - times[high - 1]) / Math.max(times[high] - times[high - 1], 1e-9);
      return rows[high].map((value, k) => rows[high - 1][k] + share * (value - rows[high - 1][k]));
    },
    show() {
      let complete = true;
      this.changes += 1;
      this.arms.forEach((arm, index) => {
        const trial = this.trials[index], ids = [arm.arm, arm.ball, arm.trail];
        const meshes = ids.map(this.mesh), joints = arm.joints.map((joint) => this.mesh(joint.id));
        if ([...meshes, ...joints].some((each) => each === undefined)) { complete = false; return; }
        for (const each of meshes) each.visible = Boolean(trial);
        if (!trial) return;
        const q = this.at(trial.joint_time, trial.joints, this.time);
        if (q) arm.joints.forEach((joint, k) => {
          const name = "xyz"[joint.axis];
          if (joint.slides) joints[k].position[name] = joint.at[joint.axis] + q[k];
          else joints[k].rotation[name] = q[k];
        });
        const place = this.at(trial.ball_time, trial.ball, this.time);
        if (place) meshes[1].position.set(...place);
        this.draw_trail(meshes[2], trial);
      });
      return complete && this.ready;
    },
    draw_trail(cloud, trial) {
      if (cloud.userData.number !== trial.number) {
        const Attribute = cloud.geometry.attributes.position.constructor;
        cloud.geometry.setAttribute("position", new Attribute(trial.ball.flat(), 3));
        cloud.userData.number = trial.number;
        cloud.frustumCulled = false;
      }
      const seen = trial.ball_time.findIndex((each) => each > this.time);
      cloud.geometry.setDrawRange(0, seen < 0 ? trial.ball.length : seen);
    },
    look() { getElement(this.scene).move_camera(...VIEWS[this.view], 0, 0, 1, 0.4); },
    choose() { this.$emit("beside", Number(this.second)); },
  },
  template: `
  <div class="replay" role="group" aria-label="Replay">
    <button type="button" class="main" :disabled="!ready" @click="play">{{ playing ? 'Pause' : 'Play' }}</button>
    <button type="button" :disabled="!ready" @click="restart">From the start</button>
    <label class="scrub"><span>Time</span>
      <input type="range" min="0" :max="end" step="0.005" v-model.number="time" :disabled="!ready"
        :aria-valuetext="time.toFixed(2) + ' s of ' + end.toFixed(2) + ' s'" @input="playing = false" />
      <output>{{ time.toFixed(2) }} s</output></label>
    <label><span>Speed</span><select v-model.number="speed">
      <option v-for="each in speeds" :key="each" :value="each">{{ each === 1 ? 'real time' : each + ' ×' }}</option></select></label>
    <label><span>Seen from</span><select v-model="view" @change="look">
      <option v-for="each in views" :key="each" :value="each">{{ each }}</option></select></label>
    <label><span>Beside it</span><select v-model.number="second" @change="choose">
      <option :value="0">no other trial</option>
      <option v-for="each in numbers" :key="each" :value="each">trial {{ each }}</option></select></label>
    <p v-if="trials.length > 1" class="key">
      <span v-for="(each, k) in trials" :key="each.number"><i class="dot" :style="{ background: arms[k].colour }"></i>trial {{ each.number }}</span>
    </p>
  </div>`,
};
