"use strict";
// The player inside `root`: `load(scene, playing)` shows a scene, whose bodies are listed in `.bodies`.
function makePlayer(root) {
  const find = (selector) => root.querySelector(selector);
  const [stage, scrub, counter, play, speed] = ["canvas", ".frame", "output", ".play", "select"].map(find);
  const pen = stage.getContext("2d");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const state = { frame: 0, playing: false, yaw: -0.35, pitch: 0.12, before: 0, pointer: null };
  let scene = null;
  let shown = [];
  let reach = 1;
  let colours = {};

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["a0", "a1", "a2", "a3", "a4", "a5", "other", "line", "ink", "panel"]) {
      colours[name] = style.getPropertyValue("--" + name).trim();
    }
  }

  // From the clip's axes to right, up and towards the viewer, relative to the centre of the actors.
  function place(x, y, z) {
    if (x === null || y === null || z === null) return null;
    return scene.view.map((row, axis) => row[0] * x + row[1] * y + row[2] * z - scene.centre[axis]);
  }

  // Rotates by yaw, then pitch, and applies a weak perspective projection.
  function project([x, y, z], eye) {
    const [cy, sy, cp, sp] = [Math.cos(state.yaw), Math.sin(state.yaw), Math.cos(state.pitch), Math.sin(state.pitch)];
    const [u, w] = [cy * x + sy * z, cy * z - sy * x];
    const [v, depth] = [cp * y - sp * w, sp * y + cp * w];
    const distance = 5 * reach - depth;
    if (distance < reach * 0.2) return null;
    const size = 5 * reach / distance;
    return { x: eye.x + u * eye.scale * size, y: eye.y - v * eye.scale * size, depth, size };
  }

  function line(a, b) {
    if (!a || !b) return;
    pen.beginPath();
    pen.moveTo(a.x, a.y);
    pen.lineTo(b.x, b.y);
    pen.stroke();
  }

  function drawFloor(eye) {
    const y = -scene.half[1] * 1.03;
    const half = Math.max(scene.half[0], scene.half[2]) * 1.15;
    pen.strokeStyle = colours.line;
    pen.lineWidth = 1;
    for (let step = -4; step <= 4; step++) {
      const at = half * step / 4;
      line(project([at, y, -half], eye), project([at, y, half], eye));
      line(project([-half, y, at], eye), project([half, y, at], eye));
    }
  }

  function draw() {
    if (!scene) return;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (stage.width !== Math.round(width * ratio) || stage.height !== Math.round(height * ratio)) {
      stage.width = Math.round(width * ratio);
      stage.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const [across, up] = [Math.hypot(scene.half[0], scene.half[2]), scene.half[1] + 0.25 * scene.half[2]];
    const eye = { x: width / 2, y: 0.48 * height, scale: 0.39 * Math.min(width / across, height / up) };
    drawFloor(eye);
    const strokes = [];
    const labels = [];
    state.joints = [];
    scene.bodies.forEach((body, index) => {
      const frame = shown[index] && body.frames[state.frame];
      if (!frame) return;
      const joints = scene.joints.map((_, j) => {
        const joint = place(frame[3 * j], frame[3 * j + 1], frame[3 * j + 2]);
        return joint && project(joint, eye);
      });
      for (const [child, parent] of scene.bones) {
        const [a, b] = [joints[child], joints[parent]];
        if (a && b) strokes.push({ a, b, depth: (a.depth + b.depth) / 2, colour: body.colour });
      }
      joints.forEach((a, j) => {
        if (!a) return;
        strokes.push({ a, depth: a.depth + 1e-3 * reach, colour: body.colour });
        state.joints.push({ ...a, name: scene.joints[j] });
      });
      const top = joints.filter(Boolean).reduce((best, a) => (!best || a.y < best.y ? a : best), null);
      if (top) labels.push({ top, text: String(index + 1), colour: body.colour });
    });
    // Distant bones are drawn first and fainter, so that near ones cover them.
    strokes.sort((a, b) => a.depth - b.depth);
    const unit = Math.max(2.5, Math.min(width, height) / 110);
    pen.lineCap = "round";
    for (const { a, b, depth, colour } of strokes) {
      pen.globalAlpha = Math.min(1, Math.max(0.45, 0.8 + 0.35 * depth / reach));
      pen.strokeStyle = pen.fillStyle = colours[colour];
      if (b) {
        pen.lineWidth = unit * (a.size + b.size) / 2 * (colour === "other" ? 0.6 : 1);
        line(a, b);
      } else {
        pen.beginPath();
        pen.arc(a.x, a.y, unit * a.size * (colour === "other" ? 0.6 : 0.95), 0, 7);
        pen.fill();
      }
    }
    pen.globalAlpha = 1;
    pen.font = "600 14px system-ui, sans-serif";
    pen.textAlign = "center";
    for (const { top, text, colour } of labels) {
      pen.fillStyle = colours[colour];
      pen.fillText(text, top.x, top.y - unit * 2.5);
    }
    if (state.named) {
      const { x, y, name } = state.named;
      const half = pen.measureText(name).width / 2 + 6;
      const middle = Math.min(Math.max(x, half), width - half);
      pen.fillStyle = colours.panel;
      pen.fillRect(middle - half, y - 34, 2 * half, 22);
      pen.fillStyle = colours.ink;
      pen.fillText(name, middle, y - 18);
    }
  }

  function show(frame) {
    state.frame = Math.min(Math.max(frame, 0), scene.frames - 1);
    scrub.value = state.frame;
    counter.textContent = state.frame + " / " + (scene.frames - 1);
    draw();
  }

  function setPlaying(playing) {
    state.playing = playing;
    play.textContent = playing ? "Pause" : "Play";
    state.before = 0;
    cancelAnimationFrame(state.loop);
    if (playing) state.loop = requestAnimationFrame(tick);
  }

  function tick(now) {
    if (!state.playing) return;
    state.before = state.before || now;
    const steps = Math.floor((now - state.before) * Number(speed.value) / 1000);
    if (steps > 0) {
      state.before += steps * 1000 / Number(speed.value);
      state.named = null;
      show((state.frame + steps) % scene.frames);
    }
    state.loop = requestAnimationFrame(tick);
  }

  function turn(yaw, pitch) {
    state.yaw = yaw;
    state.pitch = Math.min(Math.max(pitch, -Math.PI / 2), Math.PI / 2);
    state.named = null;
    draw();
  }

  play.addEventListener("click", () => setPlaying(!state.playing));
  scrub.addEventListener("input", () => { setPlaying(false); show(Number(scrub.value)); });
  speed.addEventListener("change", () => { state.before = 0; });
  root.querySelectorAll("[data-turn]").forEach((button) => button.addEventListener("click", () => {
    const [yaw, pitch] = button.dataset.turn.split(" ").map((degrees) => Number(degrees) * Math.PI / 180);
    turn(yaw, pitch);
  }));
  find(".bodies").addEventListener("change", ({ target }) => {
    shown[Number(target.dataset.body)] = target.checked;
    draw();
  });

  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    state.pointer = [event.clientX, event.clientY];
  });
  stage.addEventListener("pointermove", (event) => {
    if (state.pointer) {
      const [x, y] = state.pointer;
      state.pointer = [event.clientX, event.clientY];
      turn(state.yaw + (event.clientX - x) * 0.01, state.pitch + (event.clientY - y) * 0.01);
    } else if (!state.playing) {
      const near = (state.joints || []).map((joint) => [Math.hypot(joint.x - event.offsetX, joint.y - event.offsetY), joint]);
      near.sort((a, b) => a[0] - b[0]);
      state.named = near.length && near[0][0] < 14 ? near[0][1] : null;
      draw();
    }
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    stage.addEventListener(name, () => { state.pointer = null; });
  }
  stage.addEventListener("keydown", (event) => {
    const turns = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] };
    if (turns[event.key]) {
      turn(state.yaw + turns[event.key][0], state.pitch + turns[event.key][1]);
    } else if (event.key === " ") {
      setPlaying(!state.playing);
    } else {
      return;
    }
    event.preventDefault();
  });

  // The frames in which each body is present, below its name.
  function drawTimes() {
    root.querySelectorAll(".bodies .when").forEach((bar, index) => {
      const frames = scene.bodies[index].frames;
      for (let start = 0; start < frames.length; start++) {
        if (!frames[start]) continue;
        let end = start;
        while (frames[end]) end++;
        const span = document.createElement("i");
        span.style.left = 100 * start / frames.length + "%";
        span.style.width = 100 * (end - start) / frames.length + "%";
        bar.append(span);
        start = end;
      }
    });
  }

  function load(next, playing) {
    scene = next;
    shown = scene.bodies.map(() => true);
    reach = Math.hypot(...scene.half);
    state.named = null;
    scrub.max = scene.frames - 1;
    drawTimes();
    show(0);
    setPlaying(playing && !still && scene.frames > 1);
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); draw(); });
  new ResizeObserver(draw).observe(stage);
  readColours();
  return { load };
}
