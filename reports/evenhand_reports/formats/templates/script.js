"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const body = document.body;
const dark = matchMedia("(prefers-color-scheme: dark)");
const hidden = new Set();

// The colours of Okabe and Ito, which colour-blind readers can distinguish; lighter in dark mode.
const COLOURS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195"],
  dark: ["#56a8e0", "#f0803c", "#2cc49a", "#e29cc6", "#f0b93a", "#8fd0f5", "#b79ae0"],
};
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star"];

// Equal styles in all figures belong to one method; null is the baseline.
function lineStyle(i) {
  if (i === null) return { colour: dark.matches ? "#b4b9c0" : "#5a6068", symbol: "circle-open", dash: "dot" };
  const colours = COLOURS[dark.matches ? "dark" : "light"];
  return { colour: colours[i % colours.length], symbol: SYMBOLS[i % SYMBOLS.length], dash: i < colours.length ? "solid" : "dash" };
}

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Plotly reads text as HTML: escaped, a name such as `a<b>` is shown as it is.
function plain(text) {
  return typeof text === "string" ? text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;") : text;
}

function named(trace) {
  return "name" in trace ? { ...trace, name: plain(trace.name) } : trace;
}

// In a template of Plotly, `%{` begins a variable.
function inTemplate(text) {
  return plain(text).replaceAll("%{", "%&#123;");
}

// Plotly's default writes 3e-9 as `3n`, with the prefixes of units.
function axis(more) {
  if (more.title) more.title.text = plain(more.title.text);
  if (more.ticktext) more.ticktext = more.ticktext.map(plain);
  return Object.assign({ gridcolor: ink("--line"), linecolor: ink("--line"), zeroline: false, tickfont: { size: 11 }, automargin: true, fixedrange: true, exponentformat: "power" }, more);
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

// A logarithmic axis for numbers of images from a power of ten below the smallest: with at least two
// ticks, at powers of ten or at their halves and fifths as well.
function axisOfImages(counts) {
  const known = counts.filter((n) => n > 0);
  const low = known.length ? Math.ceil(Math.log10(Math.min(...known))) - 1 : 0;
  const high = Math.log10(known.length ? Math.max(...known) : 1) + 0.08;
  const steps = high - low > 2 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = low; power <= high; power += 1) ticks.push(...steps.map((step) => step * 10 ** power));
  const tickvals = ticks.filter((n) => Math.log10(n) >= low && Math.log10(n) <= high);
  return axis({ title: { text: "training images", font: { size: 11 } }, type: "log", range: [low, high], tickvals, ticktext: tickvals.map((n) => n.toLocaleString("en")), side: "right", showgrid: false });
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
    const s = lineStyle(data.styles[row]);
    traces.push({ type: "scatter", mode: "lines+markers", x, y: percent(lines[row]), name: data.titles[row], line: { color: s.colour, width: 2, dash: s.dash }, marker: { symbol: s.symbol, size: 6 }, hovertemplate: "%{y:.1f}" });
  }
  Plotly.react(plot, traces.map(named), layout({
    bargap: 0.25,
    xaxis: axis({ tickvals: ticks, ticktext: ticks.map((i) => (figure.groups ? figure.classes[i] : short(figure.classes[i]))), title: { text: figure.each > 1 ? (figure.groups ? "cells" : "classes") + " by falling training size" : "", font: { size: 11 } }, showgrid: false, tickangle: figure.classes.some((c) => c.length > 5) ? -40 : 0 }),
    yaxis: axis({ title: { text: figure.groups ? "accuracy, %" : "recall, %", font: { size: 11 } }, range: [0, 102], tickvals: [0, 20, 40, 60, 80, 100], overlaying: "y2" }),
    yaxis2: axisOfImages(figure.train),
    margin: { l: 46, r: 50, t: 8, b: 40 },
  }), { displayModeBar: false });
}

function drawCurves(plot, problem, { value: name, text: title }) {
  const lines = problem.curves[name];
  const scale = name.endsWith("loss") ? (v) => v : percent;
  const traces = [];
  for (const row of data.shown) {
    const line = lines[row];
    if (!line || hidden.has(row)) continue;
    const s = lineStyle(data.styles[row]);
    const mean = scale(line.mean);
    if (line.sd) {
      const sd = scale(line.sd);
      const known = mean.map((_, i) => i).filter((i) => mean[i] !== null && sd[i] !== null);
      const back = known.slice().reverse();
      traces.push({ type: "scatter", mode: "lines", x: known.concat(back).map((i) => line.epoch[i]), y: known.map((i) => mean[i] + sd[i]).concat(back.map((i) => mean[i] - sd[i])), fill: "toself", fillcolor: s.colour, opacity: 0.13, line: { width: 0 }, hoverinfo: "skip" });
    }
    const isLine = mean.filter((v) => v !== null).length > 1;
    traces.push({ type: "scatter", mode: isLine ? "lines" : "markers", x: line.epoch, y: mean, name: data.titles[row], line: { color: s.colour, width: 2, dash: s.dash }, marker: { color: s.colour, symbol: s.symbol, size: 6 }, hovertemplate: name.endsWith("loss") ? "%{y:.3f}" : "%{y:.1f}" });
  }
  const unit = name.endsWith("loss") ? "" : ", %";
  Plotly.react(plot, traces.map(named), layout({
    xaxis: axis({ title: { text: "epoch", font: { size: 11 } }, showgrid: false }),
    yaxis: axis({ title: { text: title + unit, font: { size: 11 } } }),
  }), { displayModeBar: false });
}

// Lines at increasing numbers of a setting of problems get one hue from dark to light.
function styleIn(figure, i) {
  const s = lineStyle(i);
  return figure.ramp ? { ...s, colour: ramp(i, figure.ramp), dash: "solid" } : s;
}

function bandOf(x, low, high, colour) {
  const known = x.map((_, i) => i).filter((i) => low[i] !== null && high[i] !== null);
  const back = known.slice().reverse();
  return { type: "scatter", mode: "lines", x: known.concat(back).map((i) => x[i]), y: known.map((i) => high[i]).concat(back.map((i) => low[i])), fill: "toself", fillcolor: colour, opacity: 0.15, line: { width: 0 }, hoverinfo: "skip", showlegend: false };
}

// The band of few seeds can reach below 0 and above 100 %, but the axis ends there.
// Signed scores can be negative, and sums of gaps can exceed 100 %.
function percentRange(traces) {
  const reach = (t) => (t.error_y ? t.y.flatMap((v, k) => [v + t.error_y.array[k], v - t.error_y.arrayminus[k]]) : t.y);
  const values = (of, ys) => of.flatMap(ys).filter((v) => v !== null);
  const [known, drawn] = [values(traces, reach), values(traces.filter((t) => t.hoverinfo !== "skip"), (t) => t.y)];
  const [floor, roof] = [Math.min(0, ...drawn), Math.max(100, ...drawn)];
  const [low, high] = [Math.max(floor, Math.min(...known)), Math.min(roof, Math.max(...known))];
  const pad = Math.max(0.5, 0.05 * (high - low));
  return [low - pad, high + pad];
}

const KEYED = { showlegend: true, legend: { orientation: "h", x: 0, y: -0.16, yanchor: "top", font: { size: 11.5 } }, margin: { l: 46, r: 12, t: 8, b: 76 } };

// Theory is a line without points, in the colour of the simulated points.
function theoryOf(figure, line, scale, more) {
  const s = styleIn(figure, line.colour);
  return { type: "scatter", mode: "lines", x: line.x, y: scale(line.y), name: line.name, showlegend: false, line: { color: s.colour, width: 1.6, dash: "dash" }, connectgaps: false, hovertemplate: "%{y:.1f}%", ...more };
}

function drawLines(plot, figure) {
  const traces = [];
  const scale = figure.plain ? (v) => v : percent;
  const [digits, unit] = figure.plain ? [3, ""] : [1, ", %"];
  const lines = figure.rules[body.dataset.rule] || [];
  const known = new Set(figure.theory.map((line) => line.colour));
  for (const line of lines) {
    const s = styleIn(figure, line.colour);
    const [mean, low, high] = [line.mean, line.low, line.high].map(scale);
    if (!known.has(line.colour)) traces.push(bandOf(line.x, low, high, s.colour));
    const said = mean.map((v, k) => (low[k] === null ? "" : ` [${low[k].toFixed(digits)}, ${high[k].toFixed(digits)}]`) + `, n = ${line.n[k]}`);
    // Beside a theory, points get bars: a line between them would be taken for the theory.
    const bars = known.has(line.colour) && { mode: "markers", error_y: { type: "data", symmetric: false, array: mean.map((v, k) => (high[k] ?? v) - v), arrayminus: mean.map((v, k) => v - (low[k] ?? v)), thickness: 1.2, width: 3, color: s.colour } };
    traces.push({ type: "scatter", mode: "lines+markers", x: line.x, y: mean, name: line.name, customdata: said, line: { color: s.colour, width: 2, dash: s.dash }, marker: { symbol: s.symbol, size: 7, color: s.colour }, hovertemplate: `%{y:.${digits}f}%{customdata}`, ...bars });
  }
  for (const line of figure.theory) traces.push(theoryOf(figure, line, percent));
  const reference = figure.reference[body.dataset.rule];
  const every = traces.flatMap((t) => t.x);
  if (reference && every.length) {
    const ends = every.every((v) => typeof v === "number") ? [Math.min(...every), Math.max(...every)] : [every[0], every.at(-1)];
    traces.push({ type: "scatter", mode: "lines", x: ends, y: scale([reference.mean, reference.mean]), name: reference.name, line: { color: dark.matches ? "#b4b9c0" : "#5a6068", width: 1.5, dash: "dot" }, hovertemplate: `%{y:.${digits}f}` });
  }
  Plotly.react(plot, traces.map(named), layout({
    ...KEYED,
    xaxis: axis({ title: { text: figure.x, font: { size: 11 }, standoff: 6 }, showgrid: false }),
    yaxis: axis({ title: { text: figure.y + unit, font: { size: 11 } }, ...(figure.plain ? {} : { range: percentRange(traces) }) }),
  }), { displayModeBar: false });
}

// A curve through the points of a setting; a dominated point is hollow.
function drawFront(plot, figure) {
  const bars = (s, mean) => ({ type: "data", symmetric: false, array: mean.map((v, k) => (s.high[k] === null ? 0 : 100 * s.high[k] - v)), arrayminus: mean.map((v, k) => (s.low[k] === null ? 0 : v - 100 * s.low[k])), thickness: 0.8, width: 0 });
  const known = new Set(figure.theory.map((line) => line.colour));
  const traces = (figure.rules[body.dataset.rule] || []).map((line) => {
    const s = styleIn(figure, line.colour);
    const [x, y] = [percent(line.x.mean), percent(line.y.mean)];
    const symbols = line.front.map((best) => s.symbol.replace("-open", "") + (best ? "" : "-open"));
    const said = line.settings.map((setting, k) => `${setting === "" ? "" : `${figure.over} ${setting}: `}${x[k].toFixed(1)}, ${y[k].toFixed(1)}, n = ${line.x.n[k]}`);
    return { type: "scatter", mode: x.length > 1 && !known.has(line.colour) ? "lines+markers" : "markers", x, y, name: line.name, customdata: said, line: { color: s.colour, width: 1.6, dash: s.dash }, marker: { symbol: symbols, size: 8.5, color: s.colour, line: { width: 1.6, color: s.colour } }, error_x: { ...bars(line.x, x), color: s.colour }, error_y: { ...bars(line.y, y), color: s.colour }, hovertemplate: `${inTemplate(line.name)}<br>%{customdata}<extra></extra>` };
  });
  for (const line of figure.theory) traces.push(theoryOf(figure, { ...line, x: percent(line.x) }, percent, { hovertemplate: `${line.name}: %{x:.1f}, %{y:.1f}<extra></extra>` }));
  // The points set the range, because the bars of few seeds can exceed any score.
  const range = (of) => {
    const at = traces.flatMap((t) => t[of]).filter((v) => v !== null);
    const pad = Math.max(1, 0.25 * (Math.max(...at) - Math.min(...at)));
    return at.length ? [Math.min(...at) - pad, Math.max(...at) + pad] : undefined;
  };
  Plotly.react(plot, traces.map(named), layout({
    ...KEYED, hovermode: "closest",
    xaxis: axis({ title: { text: figure.x + ", %", font: { size: 11 }, standoff: 6 }, range: range("x") }),
    yaxis: axis({ title: { text: figure.y + ", %", font: { size: 11 } }, range: range("y") }),
  }), { displayModeBar: false });
}

function drawHeat(plot, figure) {
  const squares = figure.rules[body.dataset.rule] || [];
  const z = squares.map((row) => row.map((s) => (s ? 100 * s.mean : null)));
  const said = squares.map((row) => row.map((s) => (s ? (s.low === null ? "" : ` [${(100 * s.low).toFixed(1)}, ${(100 * s.high).toFixed(1)}]`) + `, n = ${s.n}` : "")));
  const scale = dark.matches ? [[0, "#16293a"], [1, "#7cbcf0"]] : [[0, "#eef4f9"], [1, "#0b62a4"]];
  Plotly.react(plot, [{ type: "heatmap", x: figure.xs.map(plain), y: figure.ys.map(plain), z, customdata: said, texttemplate: "%{z:.1f}", hovertemplate: `${inTemplate(figure.x)} %{x}, ${inTemplate(figure.y)} %{y}: %{z:.1f}%{customdata}<extra></extra>`, colorscale: scale, xgap: 2, ygap: 2, hoverongaps: false, colorbar: { thickness: 10, outlinewidth: 0, tickfont: { size: 11 }, title: { text: plain(figure.colour) + ", %", side: "right", font: { size: 11 } } } }], layout({
    hovermode: "closest",
    xaxis: axis({ type: "category", title: { text: figure.x, font: { size: 11 } }, showgrid: false }),
    yaxis: axis({ type: "category", title: { text: figure.y, font: { size: 11 } }, showgrid: false }),
  }), { displayModeBar: false });
}

const SERIES = ["solid", "dash", "dot", "dashdot"];

function drawSeries(plot, figure) {
  const scale = figure.plain ? (v) => v : percent;
  const inLegend = new Set();
  const traces = [];
  for (const line of figure.lines) {
    const s = styleIn(figure, line.colour);
    if (!figure.several) traces.push(bandOf(line.epoch, scale(line.low), scale(line.high), s.colour));
    traces.push({ type: "scatter", mode: "lines", x: line.epoch, y: scale(line.mean), name: figure.several ? `${line.name}, ${line.of}` : line.name, showlegend: !figure.several, line: { color: s.colour, width: figure.several ? 1.7 : 2, dash: figure.several ? SERIES[line.dash % SERIES.length] : s.dash }, hovertemplate: figure.plain ? "%{y:.3g}" : "%{y:.1f}" });
    if (figure.several && !inLegend.has(line.name)) traces.push({ type: "scatter", mode: "lines", x: [null], y: [null], name: line.name, line: { color: s.colour, width: 2.5 }, hoverinfo: "skip" });
    inLegend.add(line.name);
  }
  Plotly.react(plot, traces.map(named), layout({
    ...KEYED,
    xaxis: axis({ title: { text: figure.x, font: { size: 11 }, standoff: 6 }, showgrid: false }),
    yaxis: axis({ title: { text: figure.y + (figure.plain ? "" : ", %"), font: { size: 11 } }, ...(figure.plain ? {} : { range: percentRange(traces) }) }),
  }), { displayModeBar: false });
}

// From the largest class to the smallest: one hue, from dark to light, or on dark the other way.
function ramp(i, n) {
  const ends = dark.matches ? [[222, 240, 253], [40, 104, 156]] : [[8, 40, 74], [120, 190, 232]];
  const t = n > 1 ? i / (n - 1) : 0;
  return `rgb(${ends[0].map((v, k) => Math.round(v + t * (ends[1][k] - v))).join(",")})`;
}

// Powers of ten that a panel spans; below one, the axis needs ticks in between. Below a half, none of
// the ticks 1, 2 and 5 may lie in the panel, and the axis is linear.
function decades(panel) {
  const values = panel.lines.flatMap((line) => line.mean.flatMap((v, k) => [v - (line.sd?.[k] ?? 0), v + (line.sd?.[k] ?? 0)])).filter((v) => v > 0);
  return Math.log10(Math.max(...values) / Math.min(...values));
}

// One panel for each kind of number, on the same epochs; lines of one name share their colour.
function drawLearned(plot, figure) {
  const n = figure.panels.length;
  const first = figure.panels[0].lines.length;
  const weights = figure.panels.map((_, i) => (n === 2 && i === 0 && first > 1 ? 1.9 : 1));
  const gap = n > 1 ? 0.24 / n : 0;
  const room = (1 - gap * (n - 1)) / weights.reduce((a, b) => a + b, 0);
  const names = [...new Set(figure.panels.filter((p) => p.lines.length > 1 || n === 1 || p.lines[0].name).flatMap((p) => p.lines.map((line) => line.name)).filter((name) => name))];
  const shown = new Set();
  const traces = [];
  const axes = {};
  let top = 1;
  figure.panels.forEach((panel, i) => {
    const yaxis = i ? `y${i + 1}` : "y";
    const scale = panel.percent ? percent : (v) => v;
    const span = panel.log ? decades(panel) : 0;
    const isLog = span >= 0.5;
    panel.lines.forEach((line, k) => {
      const s = line.name ? (panel.ordered ? { colour: ramp(k, panel.lines.length), dash: "solid" } : lineStyle(names.indexOf(line.name))) : { colour: ink("--muted"), dash: "solid" };
      const mean = scale(line.mean);
      if (line.sd) {
        const sd = scale(line.sd);
        // A logarithmic axis cannot show a band that reaches 0, so it ends at a third of the mean.
        const floor = (v) => (isLog ? v / 3 : panel.floor ? 0 : -Infinity);
        const reach = (sign) => mean.map((v, j) => (v === null || sd[j] === null ? null : Math.max(floor(v), v + sign * sd[j])));
        traces.push({ ...bandOf(figure.epoch, reach(-1), reach(1), s.colour), yaxis });
      }
      const said = line.name ?? "largest violation";
      traces.push({ type: "scatter", mode: "lines", x: figure.epoch, y: mean, yaxis, name: said || panel.title, showlegend: said !== "" && !shown.has(said), line: { color: s.colour, width: 2, dash: s.dash }, hovertemplate: panel.percent ? "%{y:.2f} points" : "%{y:.3g}" });
      shown.add(said);
    });
    const height = room * weights[i];
    axes[i ? `yaxis${i + 1}` : "yaxis"] = axis({ title: { text: panel.title, font: { size: 11 }, standoff: 6 }, domain: [Math.max(0, top - height), top], ...(panel.floor && !isLog && { rangemode: "tozero" }), ...(isLog && { type: "log", dtick: span >= 1 ? 1 : "D2" }), nticks: 5 });
    top -= height + gap;
  });
  const legend = { ...KEYED.legend, yanchor: "top", y: -52 / plot.clientHeight };
  Plotly.react(plot, traces.map(named), layout({
    ...KEYED, legend,
    xaxis: axis({ title: { text: "epoch", font: { size: 11 }, standoff: 6 }, showgrid: false, anchor: n > 1 ? `y${n}` : "y" }),
    ...axes,
  }), { displayModeBar: false });
}

// Steps: a share of pairs of problem and seed changes at single differences.
function drawProfile(plot, figure) {
  const [scale, unit] = figure.unit === "%" ? [percent, " points"] : [(v) => v, figure.unit === "1" ? "" : ` ${figure.unit}`];
  const x = scale(figure.x);
  const traces = figure.lines.map((line) => {
    const s = lineStyle(data.styles[line.row]);
    return { type: "scatter", mode: "lines", x, y: percent(line.y), name: data.titles[line.row], line: { color: s.colour, width: 2, dash: s.dash, shape: "hv" }, hovertemplate: "%{y:.0f}%" };
  });
  Plotly.react(plot, traces.map(named), layout({
    ...KEYED,
    xaxis: axis({ title: { text: `δ, difference to the best row${unit && `,${unit}`}`, font: { size: 11 }, standoff: 6 }, showgrid: false, hoverformat: ".3~g" }),
    yaxis: axis({ title: { text: "share of pairs within δ, %", font: { size: 11 } }, range: [0, 102], tickvals: [0, 20, 40, 60, 80, 100] }),
  }), { displayModeBar: false });
}

const SUITE = { lines: drawLines, heat: drawHeat, front: drawFront, curves: drawSeries };

function draw(plot) {
  const problem = data.problems[plot.dataset.problem];
  if (plot.dataset.figure === "suite") {
    const figure = (plot.dataset.problem === "" ? data.over : problem.figures)[plot.dataset.number];
    return SUITE[figure.kind](plot, figure);
  }
  if (plot.dataset.figure === "profile") return drawProfile(plot, data.profile);
  if (plot.dataset.figure === "learned") return drawLearned(plot, problem.learned[plot.dataset.number]);
  if (plot.dataset.figure === "recall") return drawRecall(plot, problem);
  drawCurves(plot, problem, document.querySelector(`select[data-problem="${plot.dataset.problem}"]`).selectedOptions[0]);
}

const drawn = new Set();
function redraw() { drawn.forEach(draw); }

// Figures are drawn when they come near the window, so that long pages open at once.
const nearby = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    nearby.unobserve(entry.target);
    drawn.add(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "600px" });
// A box can narrow while the window does not: when a scrollbar appears.
const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) if (drawn.has(target)) Plotly.relayout(target, { autosize: true });
});
document.querySelectorAll(".plot").forEach((plot) => { nearby.observe(plot); sized.observe(plot); });

function drawLegends() {
  for (const legend of document.querySelectorAll(".legend")) {
    legend.replaceChildren(...data.shown.filter((row) => data.problems[legend.dataset.problem].rows.includes(row)).map((row) => {
      const s = lineStyle(data.styles[row]);
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

function panelOf(result) {
  const names = data.origins;
  const rule = data.rules.indexOf(body.dataset.rule);
  const shown = (v) => (v === null || v === undefined ? "–" : (result.unit === "%" ? (100 * v).toFixed(2) : v.toFixed(4)));
  const rows = result.trials.map((t) => [t.seed, shown(t.values[rule]), t.end, { code: t.key }, ...(result.parent ? [{ code: t.parent }] : []), { code: names.commit[t.commit] ?? "–" }, { code: (names.data[t.data] ?? "–").slice(0, 12) }, names.device[t.device] ?? "–", names.host[t.host] ?? "–", t.seconds === null ? "–" : t.seconds + " s"]);
  const into = document.createElement("td");
  into.append(cellOf("code", result.method));
  into.append(tableOf(["seed", `${result.primary}${{ "%": ", %", nats: ", nats" }[result.unit] ?? ""}, ${body.dataset.rule}`, "end", "trial key", ...(result.parent ? [`key of ${result.parent}`] : []), "commit", "data", "device", "host", "time"], rows));
  if (result.candidates.length > 1) {
    into.append(cellOf("p", "Settings that competed, with their mean scores on validation data:", "caption"));
    into.append(tableOf(["setting", "validation", "", "trial keys"], result.candidates.map((c) => [c.setting, c.score ?? "incomplete", c.chosen ? "chosen" : "", { code: c.keys.join(" ") }])));
  }
  const command = cellOf("code", result.command, "command");
  into.append(cellOf("p", "This command reruns these trials; add ,seed=… to the filter for one of them:", "caption"), command);
  return into;
}

function toggle(button) {
  const row = button.closest("tr");
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (open) return row.nextElementSibling.remove();
  const panel = document.createElement("tr");
  panel.className = "panel";
  const cell = panelOf(data.results[button.dataset.result]);
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
  const button = event.target.closest("button[data-result]");
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
