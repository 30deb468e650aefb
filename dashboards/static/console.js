// Draws the charts of a page from the JSON beside them, again after htmx put new content in, and follows the theme.
// Options name colours by CSS variable ("--accent"); tooltips are built as elements, so that text stays text.
"use strict";
(() => {
  const charts = new Map();
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const coloured = (value, styles) => {
    if (typeof value === "string") return value.startsWith("--") ? styles.getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) return value.map((item) => coloured(item, styles));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, styles)]));
    }
    return value;
  };

  const element = (name, className, text) => {
    const made = document.createElement(name);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const written = (value, unit) => {
    if (value === null || value === undefined) return "–";
    if (unit === "pct") return `${value.toFixed(1)}%`;
    if (unit === "hours") return `${value.toFixed(1)} h`;
    if (unit === "score") return value.toFixed(2);
    return value.toLocaleString("en");
  };

  const tooltip = (payload) => (points) => {
    const tip = element("div", "tip");
    tip.append(element("div", "day", points[0].axisValue));
    for (const point of points) {
      const row = element("div", "row");
      const unit = point.seriesName === payload.volume ? "count" : payload.unit;
      row.append(element("span", "name", point.seriesName), element("span", "figure", written(point.value, unit)));
      tip.append(row);
    }
    return tip;
  };

  const draw = (holder) => {
    const payload = JSON.parse(document.getElementById(holder.dataset.chart).textContent);
    const styles = getComputedStyle(document.documentElement);
    const option = coloured(payload.option, styles);
    option.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily };
    option.tooltip = {
      ...option.tooltip,
      formatter: tooltip(payload),
      confine: true,
      transitionDuration: 0,
      backgroundColor: styles.getPropertyValue("--card").trim(),
      borderColor: styles.getPropertyValue("--strong-line").trim(),
      textStyle: { color: styles.getPropertyValue("--text").trim() },
    };
    if (payload.unit === "pct") option.yAxis[0].axisLabel.formatter = (value) => `${value}%`;
    if (payload.unit === "hours") option.yAxis[0].axisLabel.formatter = (value) => `${value} h`;
    const days = option.xAxis[1].data;
    if (days.length && days[0].slice(0, 4) === days[days.length - 1].slice(0, 4)) {
      option.xAxis[1].axisLabel.formatter = (day) => day.slice(5);
    }
    if (holder.clientWidth < 520) option.grid[0].top = 54;
    charts.get(holder)?.dispose();
    const chart = echarts.init(holder, null, { renderer: "canvas" });
    chart.setOption(option);
    charts.set(holder, chart);
  };

  const refresh = () => {
    for (const [holder, chart] of charts) {
      if (!holder.isConnected) {
        chart.dispose();
        charts.delete(holder);
      }
    }
    for (const holder of document.querySelectorAll("[data-chart]")) if (!charts.has(holder)) draw(holder);
  };

  const redraw = () => {
    for (const holder of [...charts.keys()]) draw(holder);
  };

  // The element that had the focus is replaced together with its surroundings: give the focus to its successor.
  let focused = null;
  document.addEventListener("htmx:beforeSwap", () => { focused = document.activeElement?.id || null; });
  document.addEventListener("htmx:afterSettle", () => {
    refresh();
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  });
  window.addEventListener("resize", () => { for (const chart of charts.values()) chart.resize(); });
  dark.addEventListener("change", redraw);
  refresh();
})();
