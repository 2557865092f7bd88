"use strict";
// Draws the charts from the data in the page, and again whenever their width changes. No figure is computed here.
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const colour = (place) => `var(--c${place % 8})`;
const short = (value, digits = 2) => Number(value).toFixed(digits);

function make(name, attributes, parent, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

// Round steps: 1, 2 or 5 times a power of ten.
function ticks(from, to, count) {
  const rough = (to - from) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let at = Math.ceil(from / step - 1e-9) * step; at <= to + step * 1e-6; at += step) found.push(at);
  return found.map((at) => Number(at.toPrecision(12)));
}
function doublings(from, to) {
  const found = [];
  for (let at = to; at >= from / 1.001; at /= 2) found.unshift(at);
  return found;
}

// chart: {x:{from,to,label,ticks,log}, y:..., layers:[{points, kind, name, colour, hover}], digits}
function draw(figure, chart) {
  const place = figure.querySelector(".chart");
  const width = Math.max(280, place.clientWidth), height = width < 520 ? 300 : 400;
  const left = 48, right = 16, top = 10, bottom = 42;
  place.replaceChildren();
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": chart.label }, place);
  const scale = (axis, from, to) => {
    const f = axis.log ? Math.log : (value) => value;
    return (value) => from + (f(value) - f(axis.from)) / (f(axis.to) - f(axis.from)) * (to - from);
  };
  const x = scale(chart.x, left, width - right), y = scale(chart.y, height - bottom, top);
  for (const at of chart.y.ticks(width)) {
    make("line", { class: "grid", x1: left, x2: width - right, y1: y(at), y2: y(at) }, svg);
    make("text", { x: left - 6, y: y(at) + 4, "text-anchor": "end" }, svg, chart.y.show(at));
  }
  for (const at of chart.x.ticks(width)) {
    make("line", { class: "axis", x1: x(at), x2: x(at), y1: height - bottom, y2: height - bottom + 4 }, svg);
    make("text", { x: x(at), y: height - bottom + 18, "text-anchor": "middle" }, svg, chart.x.show(at));
  }
  make("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }, svg);
  make("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, svg, chart.x.label);
  make("text", { x: left + 4, y: top + 2 }, svg, chart.y.label);
  const path = (points) => points.map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("");
  for (const layer of chart.layers) {
    if (layer.hidden) continue;
    if (layer.kind === "dots") {
      for (const [a, b] of layer.points) make("circle", { class: "dot", cx: x(a), cy: y(b), r: 3.5, style: `fill:${layer.colour}`, "fill-opacity": .75 }, svg);
    } else if (layer.kind === "reference") {
      for (const [a, b] of layer.points) make("path", { class: "reference", d: `M${x(a) - 4} ${y(b) - 4}l8 8m0-8l-8 8` }, svg);
    } else {
      const line = make("path", { class: layer.kind, d: path(layer.points) + (layer.kind === "band" ? "Z" : "") }, svg);
      if (layer.colour) line.style.stroke = layer.colour;
      if (layer.dash) line.setAttribute("stroke-dasharray", layer.dash);
    }
    if (layer.kind === "curve" && layer.direct && width > 520) {
      const [a, b] = layer.points[layer.points.length - 1];
      make("text", { class: "name", x: x(a), y: y(b) - 5, "text-anchor": "middle" }, svg, layer.direct);
    }
  }
  hover(figure, svg, chart, { x, left, right: width - right, top, bottom: height - bottom, width });
}

// The values under the pointer: of each curve the point whose x is nearest.
function hover(figure, svg, chart, area) {
  const cross = make("line", { class: "cross", y1: area.top, y2: area.bottom, visibility: "hidden" }, svg);
  let tip = figure.querySelector(".tip");
  if (!tip) {
    tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
    figure.append(tip);
  }
  tip.hidden = true;
  const shown = () => chart.layers.filter((layer) => layer.hover && !layer.hidden && layer.points.length);
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) * area.width / box.width;
    const near = (layer) => layer.points.reduce((a, b) => Math.abs(area.x(a[0]) - at) <= Math.abs(area.x(b[0]) - at) ? a : b);
    const found = shown().map((layer) => [layer, near(layer)]);
    if (!found.length) return;
    const middle = chart.snap ? found.map(([, point]) => point[0]).reduce((a, b) => Math.abs(area.x(a) - at) <= Math.abs(area.x(b) - at) ? a : b) : null;
    const line = chart.snap ? area.x(middle) : Math.min(Math.max(at, area.left), area.right);
    cross.setAttribute("x1", line); cross.setAttribute("x2", line); cross.setAttribute("visibility", "visible");
    tip.replaceChildren();
    for (const [layer, point] of found) {
      if (chart.snap && point[0] !== middle) continue;
      const row = document.createElement("div"), swatch = document.createElement("span");
      swatch.className = "swatch"; swatch.style.setProperty("--own", layer.colour ?? "var(--soft)");
      row.append(swatch, layer.hover(point));
      tip.append(row);
    }
    tip.hidden = false;
    const space = figure.clientWidth, own = tip.offsetWidth, wished = box.left - figure.getBoundingClientRect().left + line * box.width / area.width + 12;
    tip.style.left = `${Math.max(4, wished + own > space ? wished - own - 24 : wished)}px`;
    tip.style.top = `${svg.parentElement.offsetTop + area.top + 6}px`;
  };
  const hide = () => { tip.hidden = true; cross.setAttribute("visibility", "hidden"); };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
}

function key(figure, entries) {
  const place = figure.querySelector(".key");
  place.replaceChildren();
  for (const [name, kind, own] of entries) {
    const entry = Object.assign(document.createElement("span"), { textContent: name, className: kind ?? "" });
    if (own) entry.style.setProperty("--own", own);
    place.append(entry);
  }
}

const figures = [];
function live(id, chart) {
  const figure = document.getElementById(id);
  const again = () => draw(figure, chart());
  figures.push(again);
  new ResizeObserver(again).observe(figure.querySelector(".chart"));
  return again;
}

// Time against peers.
let byDoubling = false;
const many = data.topologies.length > 1;
const most = Math.max(...data.rows.map((row) => row.peers)), fewest = Math.min(...data.rows.map((row) => row.peers));
const highest = Math.max(...data.runs.map((run) => run.seconds), ...data.band.map((point) => point[2]), ...data.course.map((point) => point[1]));
const lowest = Math.min(...data.runs.map((run) => run.seconds), ...data.band.map((point) => point[1]));
const peerTicks = () => byDoubling ? [1, 2, 4, 8, 16, 32, 64].filter((k) => k >= fewest && k <= most) : ticks(fewest, most, Math.min(most, 8)).filter(Number.isInteger);
const redrawTime = live("time", () => ({
  label: "Time against the number of peers", snap: true,
  x: { from: byDoubling ? fewest * .93 : Math.min(1, fewest) - .25, to: byDoubling ? most * 1.1 : most + .4, log: byDoubling, label: "peers", ticks: peerTicks, show: String },
  y: byDoubling
    ? { from: lowest * .8, to: highest * 1.2, log: true, label: "seconds", ticks: () => doublings(lowest * .8, highest), show: (at) => short(at, at < 10 ? 2 : 1) }
    : { from: 0, to: highest * 1.08, label: "seconds", ticks: () => ticks(0, highest, 5), show: String },
  layers: [
    { kind: "band", points: data.band.map(([k, low]) => [k, low]).concat(data.band.map(([k, , high]) => [k, high]).reverse()) },
    { kind: "floor", points: data.floor },
    { kind: "reference", points: data.course, hover: ([, s]) => `a group of the course ${short(s)} s` },
    ...data.topologies.flatMap((topology, place) => [
      { kind: "curve", colour: colour(place), points: data.rows.filter((row) => row.topology === topology).map((row) => [row.peers, row.median, row]),
        hover: ([k, , row]) => `${k} peer${k === 1 ? "" : "s"}, ${topology}: ${short(row.median)} s (${short(row.least)} to ${short(row.most)}), theory ${short(row.floor_s)} s` },
      { kind: "dots", colour: colour(place), points: data.runs.filter((run) => run.topology === topology).map((run) => [run.peers, run.seconds]) },
    ]),
  ],
}));
key(document.getElementById("time"), [
  ...data.topologies.map((topology, place) => [`measured, ${topology}`, "", colour(place)]),
  ["theory: N*H(N) / (peers * rate)", "is-floor"], ["one standard deviation of luck", "is-band"],
  ...(data.course.length ? [["a group of the course, scaled to this rate", "is-reference"]] : []),
]);
const scaleButton = document.getElementById("scale");
scaleButton.setAttribute("aria-pressed", "true");
scaleButton.addEventListener("click", () => {
  byDoubling = !byDoubling;
  scaleButton.textContent = byDoubling ? "plain axes" : "both axes by doubling";
  document.getElementById("time").dataset.scale = byDoubling ? "doubling" : "plain";
  redrawTime();
});

// Lines against time, with a button for each curve.
const hidden = new Set();
const longest = Math.max(...data.curves.map((curve) => curve.points.at(-1)[0]));
const redrawLines = live("lines", () => {
  const to = Math.max(...data.curves.filter((_, place) => !hidden.has(place)).map((curve) => curve.points.at(-1)[0]), longest / 1000) * 1.03;
  return {
    label: "Lines held against time",
    x: { from: 0, to, label: "seconds since the start", ticks: (width) => ticks(0, to, width < 520 ? 4 : 8), show: String },
    y: { from: 0, to: data.lines * 1.1, label: "different lines", ticks: () => ticks(0, data.lines, 5), show: String },
    layers: data.curves.map((curve, place) => ({
      kind: "curve", colour: colour(place), hidden: hidden.has(place), points: curve.points, direct: curve.label,
      dash: many && curve.topology !== data.topologies[0] ? (curve.topology === data.topologies[1] ? "7 4" : "2 3") : "",
      hover: ([at, have]) => `${curve.name}: ${have} lines at ${short(at)} s`,
    })),
  };
});
data.curves.forEach((curve, place) => {
  const button = document.createElement("button"), swatch = document.createElement("span");
  button.type = "button"; button.dataset.curve = place; button.setAttribute("aria-pressed", "true");
  swatch.className = "swatch"; button.style.setProperty("--own", colour(place));
  button.append(swatch, curve.name);
  button.addEventListener("click", () => {
    if (!hidden.delete(place)) hidden.add(place);
    button.setAttribute("aria-pressed", String(!hidden.has(place)));
    redrawLines();
  });
  document.querySelector("#lines .controls").append(button);
});

// Efficiency against peers.
const known = data.runs.filter((run) => run.efficiency !== null);
if (known.length) {
  const least = Math.floor(20 * Math.min(.9, ...known.map((run) => run.efficiency))) / 20;
  live("efficiency", () => ({
    label: "Efficiency against the number of peers", snap: true,
    x: { from: Math.min(1, fewest) - .25, to: most + .4, label: "peers", ticks: () => ticks(fewest, most, Math.min(most, 8)).filter(Number.isInteger), show: String },
    y: { from: least, to: 1.01, label: "share of the fastest possible", ticks: () => ticks(least, 1, 5), show: (at) => short(at) },
    layers: data.topologies.flatMap((topology, place) => [
      { kind: "curve", colour: colour(place), points: data.rows.filter((row) => row.topology === topology && row.efficiency !== null).map((row) => [row.peers, row.efficiency]),
        hover: ([k, share]) => `${k} peer${k === 1 ? "" : "s"}, ${topology}: ${short(share, 3)}` },
      { kind: "dots", colour: colour(place), points: known.filter((run) => run.topology === topology).map((run) => [run.peers, run.efficiency]) },
    ]),
  }));
  key(document.getElementById("efficiency"), data.topologies.map((topology, place) => [topology, "", colour(place)]));
} else {
  document.querySelector("#efficiency .chart").textContent = "Not known: this server does not tell how many draws were needed.";
}

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
const copy = document.getElementById("copy");
copy.addEventListener("click", async () => {
  const code = document.getElementById("command");
  try {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = "copied";
  } catch {
    // Not allowed here: then it is at least selected.
    getSelection().selectAllChildren(code);
    copy.textContent = "selected";
  }
});
