"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const body = document.body;
const dark = matchMedia("(prefers-color-scheme: dark)");
const hidden = new Set();

// Okabe and Ito's colours, told apart by every kind of colour vision; lifted a little on dark.
const COLOURS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195"],
  dark: ["#56a8e0", "#f0803c", "#2cc49a", "#e29cc6", "#f0b93a", "#8fd0f5", "#b79ae0"],
};
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star"];
const DASHES = ["solid", "solid", "solid", "solid", "dash", "dash", "dash"];

function styleOf(row) {
  if (row === data.baseline) return { colour: dark.matches ? "#b4b9c0" : "#5a6068", symbol: "circle-open", dash: "dot" };
  const i = data.shown.filter((r) => r !== data.baseline).indexOf(row) % SYMBOLS.length;
  return { colour: COLOURS[dark.matches ? "dark" : "light"][i], symbol: SYMBOLS[i], dash: DASHES[i] };
}

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function axis(more) {
  return Object.assign({ gridcolor: ink("--line"), linecolor: ink("--line"), zeroline: false, tickfont: { size: 11 }, automargin: true, fixedrange: true }, more);
}

function layout(more) {
  return Object.assign({
    showlegend: false, hovermode: "x unified", margin: { l: 46, r: 12, t: 8, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(body).fontFamily, size: 12, color: ink("--muted") },
    hoverlabel: { bgcolor: ink("--raised"), bordercolor: ink("--line"), font: { color: ink("--ink"), size: 12 } },
  }, more);
}

function percent(values) {
  return values.map((v) => (v === null ? null : 100 * v));
}

function short(name) {
  return name.length > 14 ? name.slice(0, 13) + "…" : name;
}

function drawRecall(plot, problem) {
  const figure = problem.recall;
  const lines = figure.rules[body.dataset.rule] || {};
  const x = figure.classes.map((_, i) => i);
  const every = Math.ceil(x.length / 12);
  const ticks = x.filter((i) => i % every === 0);
  const traces = [{ type: "bar", x, y: figure.train, yaxis: "y2", marker: { color: ink("--faint") }, opacity: 0.28, name: "training images", hovertemplate: "%{y:,.0f}" }];
  for (const row of data.shown) {
    if (!lines[row] || hidden.has(row)) continue;
    const s = styleOf(row);
    traces.push({ type: "scatter", mode: "lines+markers", x, y: percent(lines[row]), name: data.titles[row], line: { color: s.colour, width: 2, dash: s.dash }, marker: { symbol: s.symbol, size: 6 }, hovertemplate: "%{y:.1f}" });
  }
  Plotly.react(plot, traces, layout({
    bargap: 0.25,
    xaxis: axis({ tickvals: ticks, ticktext: ticks.map((i) => short(figure.classes[i])), title: { text: figure.each > 1 ? "classes by falling training size" : "", font: { size: 11 } }, showgrid: false, tickangle: figure.classes.some((c) => c.length > 5) ? -40 : 0 }),
    yaxis: axis({ title: { text: "recall, %", font: { size: 11 } }, range: [0, 102], tickvals: [0, 20, 40, 60, 80, 100], overlaying: "y2" }),
    yaxis2: axis({ title: { text: "training images", font: { size: 11 } }, type: "log", tickmode: "linear", dtick: 1, side: "right", showgrid: false, rangemode: "nonnegative" }),
    margin: { l: 46, r: 50, t: 8, b: 40 },
  }), { displayModeBar: false });
}

function drawCurves(plot, problem, name) {
  const lines = problem.curves[name];
  const scale = name.endsWith("loss") ? (v) => v : percent;
  const traces = [];
  for (const row of data.shown) {
    const line = lines[row];
    if (!line || hidden.has(row)) continue;
    const s = styleOf(row);
    const mean = scale(line.mean);
    if (line.sd) {
      const sd = scale(line.sd);
      const known = mean.map((_, i) => i).filter((i) => mean[i] !== null && sd[i] !== null);
      const back = known.slice().reverse();
      traces.push({ type: "scatter", mode: "lines", x: known.concat(back).map((i) => line.epoch[i]), y: known.map((i) => mean[i] + sd[i]).concat(back.map((i) => mean[i] - sd[i])), fill: "toself", fillcolor: s.colour, opacity: 0.13, line: { width: 0 }, hoverinfo: "skip" });
    }
    traces.push({ type: "scatter", mode: "lines", x: line.epoch, y: mean, name: data.titles[row], line: { color: s.colour, width: 2, dash: s.dash }, hovertemplate: name.endsWith("loss") ? "%{y:.3f}" : "%{y:.1f}" });
  }
  const unit = name.endsWith("loss") ? "" : ", %";
  Plotly.react(plot, traces, layout({
    xaxis: axis({ title: { text: "epoch", font: { size: 11 } }, showgrid: false }),
    yaxis: axis({ title: { text: name.replaceAll("_", " ") + unit, font: { size: 11 } } }),
  }), { displayModeBar: false });
}

// A suite's own figures have lines of their own, not those of the page's legend.
function lineStyle(i) {
  const colours = COLOURS[dark.matches ? "dark" : "light"];
  return { colour: colours[i % colours.length], symbol: SYMBOLS[i % SYMBOLS.length], dash: i < colours.length ? "solid" : "dash" };
}

function bandOf(x, low, high, colour) {
  const known = x.map((_, i) => i).filter((i) => low[i] !== null && high[i] !== null);
  const back = known.slice().reverse();
  return { type: "scatter", mode: "lines", x: known.concat(back).map((i) => x[i]), y: known.map((i) => high[i]).concat(back.map((i) => low[i])), fill: "toself", fillcolor: colour, opacity: 0.15, line: { width: 0 }, hoverinfo: "skip", showlegend: false };
}

// A band of few seeds can reach below 0 and above 100 %; the axis does not.
function percentRange(traces) {
  const known = traces.flatMap((t) => t.y).filter((v) => v !== null);
  const [low, high] = [Math.max(0, Math.min(...known)), Math.min(100, Math.max(...known))];
  const pad = Math.max(0.5, 0.05 * (high - low));
  return [low - pad, high + pad];
}

const KEYED = { showlegend: true, legend: { orientation: "h", x: 0, y: -0.16, yanchor: "top", font: { size: 11.5 } }, margin: { l: 46, r: 12, t: 8, b: 76 } };

function drawLines(plot, figure) {
  const traces = [];
  (figure.rules[body.dataset.rule] || []).forEach((line, i) => {
    const s = lineStyle(i);
    const [mean, low, high] = [line.mean, line.low, line.high].map(percent);
    traces.push(bandOf(line.x, low, high, s.colour));
    const said = mean.map((v, k) => (low[k] === null ? "" : ` [${low[k].toFixed(1)}, ${high[k].toFixed(1)}]`) + `, n = ${line.n[k]}`);
    traces.push({ type: "scatter", mode: "lines+markers", x: line.x, y: mean, name: line.name, customdata: said, line: { color: s.colour, width: 2, dash: s.dash }, marker: { symbol: s.symbol, size: 7 }, hovertemplate: "%{y:.1f}%{customdata}" });
  });
  const reference = figure.reference[body.dataset.rule];
  const every = traces.flatMap((t) => t.x);
  if (reference && every.length) {
    const ends = every.every((v) => typeof v === "number") ? [Math.min(...every), Math.max(...every)] : [every[0], every.at(-1)];
    traces.push({ type: "scatter", mode: "lines", x: ends, y: percent([reference.mean, reference.mean]), name: reference.name, line: { color: dark.matches ? "#b4b9c0" : "#5a6068", width: 1.5, dash: "dot" }, hovertemplate: "%{y:.1f}" });
  }
  Plotly.react(plot, traces, layout({
    ...KEYED,
    xaxis: axis({ title: { text: figure.x, font: { size: 11 }, standoff: 6 }, showgrid: false }),
    yaxis: axis({ title: { text: figure.y + ", %", font: { size: 11 } }, range: percentRange(traces) }),
  }), { displayModeBar: false });
}

function drawHeat(plot, figure) {
  const squares = figure.rules[body.dataset.rule] || [];
  const z = squares.map((row) => row.map((s) => (s ? 100 * s.mean : null)));
  const said = squares.map((row) => row.map((s) => (s ? (s.low === null ? "" : ` [${(100 * s.low).toFixed(1)}, ${(100 * s.high).toFixed(1)}]`) + `, n = ${s.n}` : "")));
  const scale = dark.matches ? [[0, "#16293a"], [1, "#7cbcf0"]] : [[0, "#eef4f9"], [1, "#0b62a4"]];
  Plotly.react(plot, [{ type: "heatmap", x: figure.xs, y: figure.ys, z, customdata: said, texttemplate: "%{z:.1f}", hovertemplate: `${figure.x} %{x}, ${figure.y} %{y}: %{z:.1f}%{customdata}<extra></extra>`, colorscale: scale, xgap: 2, ygap: 2, hoverongaps: false, colorbar: { thickness: 10, outlinewidth: 0, tickfont: { size: 11 }, title: { text: figure.colour + ", %", side: "right", font: { size: 11 } } } }], layout({
    hovermode: "closest",
    xaxis: axis({ type: "category", title: { text: figure.x, font: { size: 11 } }, showgrid: false }),
    yaxis: axis({ type: "category", title: { text: figure.y, font: { size: 11 } }, showgrid: false }),
  }), { displayModeBar: false });
}

function drawSeries(plot, figure) {
  const isPlain = figure.y === "lr" || figure.y.endsWith("loss");
  const scale = isPlain ? (v) => v : percent;
  const traces = [];
  figure.lines.forEach((line, i) => {
    const s = line.row === data.baseline ? styleOf(line.row) : lineStyle(i);
    traces.push(bandOf(line.epoch, scale(line.low), scale(line.high), s.colour));
    traces.push({ type: "scatter", mode: "lines", x: line.epoch, y: scale(line.mean), name: line.name, line: { color: s.colour, width: 2, dash: s.dash }, hovertemplate: isPlain ? "%{y:.3g}" : "%{y:.1f}" });
  });
  Plotly.react(plot, traces, layout({
    ...KEYED,
    xaxis: axis({ title: { text: figure.x, font: { size: 11 }, standoff: 6 }, showgrid: false }),
    yaxis: axis({ title: { text: figure.y + (isPlain ? "" : ", %"), font: { size: 11 } }, ...(isPlain ? {} : { range: percentRange(traces) }) }),
  }), { displayModeBar: false });
}

// λ above, and under it by how much the constraints are missed, on the same epochs.
function drawMultipliers(plot, figure) {
  const traces = [];
  const known = figure.multipliers.map((line) => line.name);
  const add = (line, i, yaxis, scale) => {
    const s = line.name === null ? { colour: ink("--muted"), dash: "solid" } : lineStyle(i);
    const mean = scale(line.mean);
    if (line.sd) {
      const sd = scale(line.sd);
      const reach = (sign) => mean.map((v, k) => (v === null || sd[k] === null ? null : Math.max(0, v + sign * sd[k])));
      traces.push({ ...bandOf(figure.epoch, reach(-1), reach(1), s.colour), yaxis });
    }
    const isNew = yaxis === "y" || (line.name !== null && !known.includes(line.name));
    traces.push({ type: "scatter", mode: "lines", x: figure.epoch, y: mean, yaxis, name: line.name ?? "largest violation", showlegend: isNew, line: { color: s.colour, width: 2, dash: s.dash }, hovertemplate: yaxis === "y" ? "%{y:.3g}" : "%{y:.2f} points" });
  };
  figure.multipliers.forEach((line, i) => add(line, i, "y", (v) => v));
  figure.violations.forEach((line, i) => add(line, known.includes(line.name) ? known.indexOf(line.name) : known.length + i, "y2", percent));
  const both = figure.violations.length > 0;
  const title = (text) => ({ text, font: { size: 11 }, standoff: 6 });
  Plotly.react(plot, traces, layout({
    ...KEYED,
    xaxis: axis({ title: title("epoch"), showgrid: false, anchor: both ? "y2" : "y" }),
    yaxis: axis({ title: title("λ" + (figure.of && ` of ${figure.of.replaceAll("_", " ")}`)), rangemode: "tozero", domain: both ? [0.42, 1] : [0, 1] }),
    ...(both && { yaxis2: axis({ title: title("missed, points"), rangemode: "tozero", domain: [0, 0.3] }) }),
  }), { displayModeBar: false });
}

const SUITE = { lines: drawLines, heat: drawHeat, curves: drawSeries };

function draw(plot) {
  const problem = data.problems[plot.dataset.problem];
  if (plot.dataset.figure === "suite") {
    const figure = problem.figures[plot.dataset.number];
    return SUITE[figure.kind](plot, figure);
  }
  if (plot.dataset.figure === "multipliers") return drawMultipliers(plot, problem.multipliers[plot.dataset.number]);
  if (plot.dataset.figure === "recall") return drawRecall(plot, problem);
  drawCurves(plot, problem, document.querySelector(`select[data-problem="${plot.dataset.problem}"]`).value);
}

const drawn = new Set();
function redraw() { drawn.forEach(draw); }

// Figures are drawn when they come near the window: a page of many problems opens at once.
const nearby = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    nearby.unobserve(entry.target);
    drawn.add(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "600px" });
// A box narrows without the window, too: when a scrollbar appears, or a column is dropped.
const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) if (drawn.has(target)) Plotly.relayout(target, { autosize: true });
});
document.querySelectorAll(".plot").forEach((plot) => { nearby.observe(plot); sized.observe(plot); });

function drawLegends() {
  for (const legend of document.querySelectorAll(".legend")) {
    legend.replaceChildren(...data.shown.filter((row) => data.problems[legend.dataset.problem].rows.includes(row)).map((row) => {
      const s = styleOf(row);
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(!hidden.has(row)));
      const dashes = { solid: "", dash: "6 3", dot: "2 3" }[s.dash];
      button.innerHTML = `<svg width="24" height="8"><line x1="0" x2="24" y1="4" y2="4" stroke="${s.colour}" stroke-width="2.5" stroke-dasharray="${dashes}"/></svg>`;
      button.append(data.titles[row]);
      button.onclick = () => { if (!hidden.delete(row)) hidden.add(row); drawLegends(); redraw(); };
      return button;
    }));
  }
}

function cellOf(tag, text, kind) {
  const cell = document.createElement(tag);
  cell.textContent = text;
  if (kind) cell.className = kind;
  return cell;
}

function tableOf(heads, rows) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  heads.forEach((text) => head.append(cellOf("th", text)));
  const into = table.createTBody();
  for (const row of rows) {
    const line = into.insertRow();
    row.forEach((value) => {
      const cell = line.insertCell();
      if (value && value.code) cell.append(cellOf("code", value.code)); else cell.textContent = value;
      if (value && value.code && value.code.includes(" ")) cell.className = "keys";
    });
  }
  return table;
}

function panelOf(standing) {
  const names = data.origins;
  const rule = data.rules.indexOf(body.dataset.rule);
  const shown = (v) => (v === null || v === undefined ? "–" : (100 * v).toFixed(2));
  const rows = standing.trials.map((t) => [t.seed, shown(t.values[rule]), t.end, { code: t.key }, ...(standing.reads ? [{ code: t.parent }] : []), { code: names.commit[t.commit] ?? "–" }, { code: (names.data[t.data] ?? "–").slice(0, 12) }, names.device[t.device] ?? "–", names.host[t.host] ?? "–", t.seconds === null ? "–" : t.seconds + " s"]);
  const into = document.createElement("td");
  into.append(cellOf("code", standing.made));
  into.append(tableOf(["seed", `${data.primary}, %, ${body.dataset.rule}`, "end", "trial key", ...(standing.reads ? [`key of ${standing.reads}`] : []), "commit", "data", "device", "host", "time"], rows));
  if (standing.candidates.length > 1) {
    into.append(cellOf("p", "Settings that competed, by mean score on validation data:", "caption"));
    into.append(tableOf(["setting", "validation", "", "trial keys"], standing.candidates.map((c) => [c.setting, c.score ?? "not whole", c.chosen ? "chosen" : "", { code: c.keys.join(" ") }])));
  }
  const command = cellOf("code", standing.command, "command");
  into.append(cellOf("p", "To run these again; with ,seed=… in the filter, one of them:", "caption"), command);
  return into;
}

function toggle(button) {
  const row = button.closest("tr");
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (open) return row.nextElementSibling.remove();
  const panel = document.createElement("tr");
  panel.className = "panel";
  const cell = panelOf(data.standings[button.dataset.standing]);
  cell.colSpan = row.cells.length;
  panel.append(cell);
  row.after(panel);
}

function closePanels() {
  document.querySelectorAll("button[aria-expanded='true']").forEach(toggle);
}

function numberIn(cell) {
  const shown = cell.querySelector(`.of.${body.dataset.rule}`) || cell;
  const found = shown.textContent.replaceAll("−", "-").match(/[-+]?\d+(\.\d+)?/);
  return found ? parseFloat(found[0]) : NaN;
}

function sortBy(head) {
  closePanels();
  const ascending = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && head.classList.contains("name"));
  const table = head.closest("table");
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const sign = ascending ? 1 : -1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => {
    const [x, y] = [a.cells[head.cellIndex], b.cells[head.cellIndex]];
    if (head.classList.contains("name")) return sign * x.textContent.localeCompare(y.textContent);
    const [u, v] = [numberIn(x), numberIn(y)];
    return isNaN(u) - isNaN(v) || sign * (u - v);
  });
  table.tBodies[0].append(...rows);
}

function setRule(rule) {
  closePanels();
  body.dataset.rule = rule;
  body.classList.toggle("off", rule !== body.dataset.ranking);
  redraw();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-standing]");
  if (button) toggle(button);
  const head = event.target.closest(".sortable thead th:not(.interval):not(.open)");
  if (head && !event.target.closest("a")) sortBy(head);
});
document.addEventListener("change", (event) => {
  if (event.target.name === "rule") setRule(event.target.value);
  if (event.target.matches("select[data-problem]")) redraw();
});
// A table wider than the page scrolls in its own box; one that fits keeps its heading in view.
function fit() {
  for (const box of document.querySelectorAll(".scroll")) {
    box.classList.remove("wide");
    box.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1);
  }
}

addEventListener("resize", fit);
fit();
dark.addEventListener("change", () => { drawLegends(); redraw(); });
drawLegends();
