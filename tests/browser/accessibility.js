// Findings about a page as it is shown: structure, names of controls, contrast. Returns a list of sentences.
() => {
  const findings = [];
  const shown = (node) => {
    const box = node.getBoundingClientRect();
    const style = getComputedStyle(node);
    return box.width > 1 && box.height > 1 && style.visibility !== "hidden" && style.display !== "none";
  };
  const words = (node) => (node.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40);

  if (!document.documentElement.lang) findings.push("the page states no language");
  if (!document.title) findings.push("the page has no title");
  for (const mark of ["header", "main", "footer"]) {
    if (document.querySelectorAll(`body ${mark}`).length !== 1) findings.push(`not exactly one ${mark}`);
  }
  const navigations = [...document.querySelectorAll("nav")].map((nav) => nav.getAttribute("aria-label"));
  if (!navigations.length || navigations.includes(null)) findings.push("a navigation has no name");
  if (new Set(navigations).size !== navigations.length) findings.push("two navigations have one name");
  if (document.querySelectorAll("[aria-current=page]").length > 1) findings.push("more than one page is the current one");
  if (document.querySelectorAll("h1").length !== 1) findings.push("not exactly one h1");
  const levels = [...document.querySelectorAll("h1,h2,h3,h4")].map((h) => Number(h.tagName[1]));
  levels.forEach((level, i) => { if (i && level > levels[i - 1] + 1) findings.push(`heading level ${level} after ${levels[i - 1]}`); });

  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) findings.push(`id ${id} occurs more than once`);
  for (const node of document.querySelectorAll("[aria-labelledby],[aria-describedby]")) {
    const target = node.getAttribute("aria-labelledby") || node.getAttribute("aria-describedby");
    if (!document.getElementById(target)) findings.push(`${target} names nothing`);
  }
  for (const control of document.querySelectorAll("input:not([type=hidden]),select,textarea")) {
    if (!control.labels.length && !control.getAttribute("aria-label")) findings.push(`control ${control.id} has no label`);
  }
  for (const node of document.querySelectorAll("a,button,summary")) {
    if (!words(node) && !node.getAttribute("aria-label")) findings.push(`${node.tagName} without words`);
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.querySelector("thead th")) findings.push("a table has no column headers");
    for (const th of table.querySelectorAll("th")) if (!th.scope) findings.push(`header ${words(th)} has no scope`);
  }
  for (const picture of document.querySelectorAll("img:not([alt]),svg:not([aria-hidden]):not([aria-label])")) {
    findings.push(`a picture has no text: ${picture.outerHTML.slice(0, 60)}`);
  }
  for (const node of document.querySelectorAll(".scroll")) {
    if (node.scrollWidth > node.clientWidth && node.tabIndex < 0) findings.push("an area scrolls that the keyboard cannot reach");
  }

  const colour = (text) => {
    const parts = text.match(/[\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const over = (top, alpha, below) => top.map((v, i) => v * alpha + below[i] * (1 - alpha));
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.unshift(colour(getComputedStyle(at).backgroundColor));
    return layers.reduce((below, layer) => over(layer.rgb, layer.alpha, below), [255, 255, 255]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const told = new Set();
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const node = text.parentElement;
    if (!text.textContent.trim() || !shown(node) || ["SCRIPT", "NOSCRIPT", "STYLE"].includes(node.tagName)) continue;
    if (node.closest(".hidden, .skip")) continue;
    const below = ground(node);
    const given = colour(getComputedStyle(node).color);
    const above = over(given.rgb, given.alpha, below);
    const [light, dark] = [luminance(above), luminance(below)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const message = `contrast ${ratio.toFixed(2)} of ${node.tagName}.${node.className}: ${words(node)}`;
    if (ratio < 4.5 && !told.has(node.className)) { findings.push(message); told.add(node.className); }
  }
  return findings;
}
