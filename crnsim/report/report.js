"use strict";
// The page is whole without this script. With it values can be pointed at, cells opened, designs compared at any
// running time, tables sorted, filtered and saved, and figures saved. Text from the data is only ever set as text.
(function () {
  var data = JSON.parse(document.getElementById("page-data").textContent);
  var SVG = "http://www.w3.org/2000/svg";
  var MINUS = "\u2212";

  // What is the same for many cells is carried once.
  data.cells.forEach(function (cell) {
    cell.stress = cell.kind === "none" ? "no noise" : data.kinds[cell.dataset + "/" + cell.kind];
    if (cell.scores && !cell.replicates) { cell.replicates = cell.scores.map(function (_, i) { return i; }); }
  });

  // Small tools ---------------------------------------------------------------------------------------------------

  function made(element, attributes, children) {
    Object.keys(attributes || {}).forEach(function (name) { element.setAttribute(name, attributes[name]); });
    [].concat(children === undefined ? [] : children).forEach(function (child) {
      element.append(child);
    });
    return element;
  }
  function el(tag, attributes, children) { return made(document.createElement(tag), attributes, children); }
  function shape(tag, attributes, children) {
    return made(document.createElementNS(SVG, tag), attributes, children);
  }
  function each(selector, action, within) {
    Array.prototype.forEach.call((within || document).querySelectorAll(selector), action);
  }
  function number(value, digits) {
    return value === null || value === undefined ? "–" : value.toFixed(digits === undefined ? 2 : digits).replace("-", MINUS);
  }
  function signed(value) { return (value > 0 ? "+" : "") + number(value); }
  function general(value) { return String(Number(value.toPrecision(4))); }
  function unique(values) { return values.filter(function (value, i) { return values.indexOf(value) === i; }); }

  // Copying -------------------------------------------------------------------------------------------------------

  function copies(button, code) {
    button.hidden = false;
    button.addEventListener("click", function () {
      function done() {
        button.textContent = "Copied";
        setTimeout(function () { button.textContent = "Copy"; }, 1500);
      }
      function select() {
        window.getSelection().selectAllChildren(code);
        document.execCommand("copy");
        done();
      }
      if (navigator.clipboard) { navigator.clipboard.writeText(code.textContent).then(done, select); } else { select(); }
    });
  }
  each("button.copy", function (button) { copies(button, button.parentNode.querySelector("code")); });

  // Saving --------------------------------------------------------------------------------------------------------

  function save(name, blob) {
    var address = URL.createObjectURL(blob);
    var link = el("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(address); }, 10000);
  }
  function fileName(words, ending) {
    var title = document.body.dataset.sweep + " " + words;
    return title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 80) + "." + ending;
  }
  function quoted(value) {
    var text = String(value === null || value === undefined ? "" : value);
    // A cell that begins like a formula is text to a spreadsheet only behind an apostrophe.
    if (/^[=+@\t\r-]/.test(text) && isNaN(Number(text))) { text = "'" + text; }
    return /[",\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }
  function saveRows(name, rows) {
    var text = rows.map(function (row) { return row.map(quoted).join(","); }).join("\n") + "\n";
    save(name, new Blob([text], { type: "text/csv" }));
  }
  function button(words, action, label) {
    var found = el("button", { type: "button", class: "tool" }, words);
    if (label) { found.setAttribute("aria-label", label); }
    found.addEventListener("click", action);
    return found;
  }

  var KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-opacity", "fill-opacity",
    "opacity", "font-size", "font-family", "font-weight", "text-anchor", "paint-order"];

  // A drawing takes its colours from the page; a file of its own must carry them.
  function standalone(source) {
    var copy = source.cloneNode(true);
    var from = [source].concat(Array.from(source.querySelectorAll("*")));
    var to = [copy].concat(Array.from(copy.querySelectorAll("*"))), hits = Array.from(copy.querySelectorAll(".hits"));
    from.forEach(function (element, i) {
      var style = getComputedStyle(element), drawn = !element.closest("defs");
      KEPT.forEach(function (name) {
        if (drawn) { to[i].style.setProperty(name, style.getPropertyValue(name)); }
      });
      ["class", "tabindex", "role", "aria-label", "data-c", "data-p"].forEach(function (name) {
        to[i].removeAttribute(name);
      });
      Array.from(to[i].attributes).forEach(function (one) {
        if (one.name !== "style" && /var\(/.test(one.value)) { to[i].removeAttribute(one.name); }
      });
    });
    hits.forEach(function (one) { one.remove(); });
    return copy;
  }

  // All panels of a figure side by side, as one drawing.
  function together(figure) {
    var panels = Array.from(figure.querySelectorAll("svg.panel"));
    var x = 0, height = 0;
    var whole = shape("svg", { xmlns: SVG });
    panels.forEach(function (panel) {
      var box = panel.viewBox.baseVal, copy = standalone(panel);
      copy.removeAttribute("style");
      made(copy, { x: x, y: 0, width: box.width, height: box.height });
      whole.append(copy);
      x += box.width + 12;
      height = Math.max(height, box.height);
    });
    var paper = getComputedStyle(document.documentElement).getPropertyValue("--card").trim();
    whole.prepend(shape("rect", { width: "100%", height: "100%", fill: paper }));
    return made(whole, { width: x - 12, height: height, viewBox: "0 0 " + (x - 12) + " " + height });
  }
  function saveFigure(figure, name, picture) {
    if (!figure.querySelector("svg.panel")) { return; }
    var whole = together(figure), text = new XMLSerializer().serializeToString(whole);
    if (!picture) {
      save(fileName(name, "svg"), new Blob([text], { type: "image/svg+xml" }));
      return;
    }
    var image = new Image(), scale = 2;
    image.onload = function () {
      var canvas = el("canvas", { width: scale * whole.getAttribute("width"), height: scale * whole.getAttribute("height") });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(function (blob) { save(fileName(name, "png"), blob); }, "image/png");
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  }
  function titleAbove(element) {
    for (var node = element; node && node !== document.body; node = node.parentElement) {
      if (node.dataset && node.dataset.title) { return node.dataset.title; }
      for (var before = node.previousElementSibling; before; before = before.previousElementSibling) {
        if (/^H[2-4]$/.test(before.tagName)) { return before.textContent; }
      }
    }
    return "figure";
  }
  each("figure", function (figure, i) {
    if (!figure.querySelector("svg.panel")) { return; }
    var own = figure.querySelector("h4, h3");
    var above = titleAbove(figure), name = own ? above + " " + own.textContent : above;
    var section = figure.closest("section[id]");
    name = (section ? section.id + " " : "") + name;
    figure.append(el("div", { class: "tools" }, [
      button("SVG", function () { saveFigure(figure, name, false); }, "Save this figure as SVG"),
      button("PNG", function () { saveFigure(figure, name, true); }, "Save this figure as PNG"),
    ]));
  });

  // Tables --------------------------------------------------------------------------------------------------------

  function grid(rows) {
    var taken = [];
    Array.from(rows).forEach(function (row, y) {
      taken[y] = taken[y] || [];
      var x = 0;
      Array.from(row.cells).forEach(function (cell) {
        while (taken[y][x]) { x += 1; }
        for (var dy = 0; dy < cell.rowSpan; dy += 1) {
          taken[y + dy] = taken[y + dy] || [];
          for (var dx = 0; dx < cell.colSpan; dx += 1) { taken[y + dy][x + dx] = cell; }
        }
        x += cell.colSpan;
      });
    });
    return taken;
  }
  function words(cell) {
    var small = cell.querySelector("small"), copy = cell.cloneNode(true);
    each("svg, small", function (one) { one.remove(); }, copy);
    var text = copy.textContent.replace(/\s+/g, " ").trim();
    return small && small.textContent.trim() ? text + " (" + small.textContent.trim() + ")" : text;
  }
  function tableRows(table) {
    var head = grid(table.tHead.rows), width = head[0].length, names = [];
    for (var x = 0; x < width; x += 1) {
      names.push(unique(head.map(function (row) { return row[x] ? words(row[x]) : ""; })).filter(Boolean).join(" / "));
    }
    var rows = Array.from(table.tBodies[0].rows).filter(function (row) { return !row.hidden; });
    return [names].concat(rows.map(function (row) {
      return Array.from(row.cells).map(function (cell) { return words(cell).replace(new RegExp(MINUS, "g"), "-"); });
    }));
  }
  function key(cell) {
    if (!cell) { return null; }
    var text = cell.dataset.key !== undefined ? cell.dataset.key : words(cell);
    text = text.replace(new RegExp(MINUS, "g"), "-").replace(/,(?=\d{3})/g, "");
    var found = /^([<>]?)\s*([+-]?\d+(\.\d+)?(e[+-]?\d+)?)/i.exec(text);
    if (found) { return Number(found[2]) * (found[1] === ">" ? 1.0001 : 1); }
    return text === "–" || text === "" ? null : text;
  }
  function sortable(table) {
    var head = grid(table.tHead.rows), last = head[head.length - 1];
    unique(last).forEach(function (th) {
      var column = last.indexOf(th);
      if (!th || th.colSpan > 1 || !th.textContent.trim()) { return; }
      var turn = el("button", { type: "button", class: "sort" }, Array.from(th.childNodes));
      th.append(turn);
      turn.addEventListener("click", function () {
        var down = th.getAttribute("aria-sort") === "ascending";
        each("th[aria-sort]", function (other) { other.removeAttribute("aria-sort"); }, table);
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        var body = table.tBodies[0];
        var rows = Array.from(body.rows), fixed = rows.filter(function (row) { return row.classList.contains("sum"); });
        rows = rows.filter(function (row) { return !row.classList.contains("sum"); });
        rows.map(function (row, i) { return [key(row.cells[column]), i, row]; }).sort(function (a, b) {
          if (a[0] === null || b[0] === null) { return (a[0] === null) - (b[0] === null) || a[1] - b[1]; }
          var order = typeof a[0] === "number" && typeof b[0] === "number" ? a[0] - b[0] : String(a[0]).localeCompare(String(b[0]));
          return (down ? -order : order) || a[1] - b[1];
        }).forEach(function (one) { body.append(one[2]); });
        fixed.forEach(function (row) { body.append(row); });
      });
    });
  }
  each("table", function (table) {
    if (!table.tHead || !table.tBodies.length) { return; }
    var rows = table.tBodies[0].rows;
    var holder = table.closest(".scroll") || table, name = holder.getAttribute("aria-label") || titleAbove(table);
    if (table.caption) { name = table.caption.textContent; }
    var tools = el("div", { class: "tools of-table" });
    if (rows.length > 2) { sortable(table); }
    if (rows.length > 8) {
      var told = el("span", { class: "soft", "aria-live": "polite" });
      var field = el("input", { type: "search", placeholder: "Filter rows", "aria-label": "Filter rows of " + name });
      field.addEventListener("input", function () {
        var wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean), shown = 0;
        Array.from(rows).forEach(function (row) {
          var text = row.textContent.toLowerCase();
          row.hidden = !wanted.every(function (word) { return text.indexOf(word) >= 0; });
          shown += row.hidden ? 0 : 1;
        });
        told.textContent = wanted.length ? shown + " of " + rows.length + " rows" : "";
      });
      tools.append(field, told);
    }
    tools.append(button("CSV", function () { saveRows(fileName(name, "csv"), tableRows(table)); }, "Save this table as CSV: " + name));
    holder.after(tools);
  });

  // Plots ---------------------------------------------------------------------------------------------------------

  function steps(low, high, count) {
    var span = high - low || 1, step = Math.pow(10, Math.floor(Math.log10(span / count)));
    var wide = [1, 2, 5, 10].map(function (k) { return k * step; }).find(function (s) { return span / s <= count; });
    var found = [];
    for (var value = Math.ceil(low / wide - 1e-9) * wide; value <= high + 1e-9 * span; value += wide) {
      found.push(Number(value.toPrecision(12)));
    }
    return found;
  }
  function decades(low, high) {
    var span = high / low, tries = [[1], [1, 3], [1, 2, 5], [1, 2, 3, 5, 7]].slice(span > 300 ? 0 : span > 30 ? 1 : 2);
    for (var i = 0, found = []; i < tries.length && found.length < 3; i += 1) { found = powers(low, high, tries[i]); }
    return found.length > 2 ? found : steps(low, high, 4);
  }
  function powers(low, high, parts) {
    var found = [];
    for (var p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p += 1) {
      parts.forEach(function (k) {
        var value = Number((k * Math.pow(10, p)).toPrecision(12));
        if (value >= low * 0.999 && value <= high * 1.001) { found.push(value); }
      });
    }
    return found;
  }
  var MARKS = [
    function (x, y) { return shape("circle", { cx: x, cy: y, r: 4.5 }); },
    function (x, y) { return shape("rect", { x: x - 4, y: y - 4, width: 8, height: 8 }); },
    function (x, y) { return shape("path", { d: "M" + x + " " + (y - 5) + "l5 9h-10z" }); },
    function (x, y) { return shape("path", { d: "M" + x + " " + (y - 5.5) + "l5.5 5.5-5.5 5.5-5.5-5.5z" }); },
  ];

  // lines: {x, y, colour, dash, width, faint, low, high, cells, mark}
  function plot(options) {
    var width = options.width || 420, height = options.height || 220, left = 46, right = 18, top = 22, bottom = 38;
    var xs = [], ys = [];
    options.lines.forEach(function (line) {
      line.y.forEach(function (y, i) {
        if (y !== null && (!options.log || y > 0)) { xs.push(line.x[i]); ys.push(y); }
      });
    });
    if (!xs.length) { return null; }
    var x0 = Math.min.apply(null, options.xTicks || xs), x1 = Math.max.apply(null, options.xTicks || xs);
    var limits = options.y || [Math.min.apply(null, ys), Math.max.apply(null, ys)], y0 = limits[0], y1 = limits[1];
    if (x1 === x0) { x1 = x0 + 1; }
    if (options.log) { y0 /= 1.15; y1 *= 1.15; } else if (!options.y) { var pad = 0.05 * (y1 - y0 || 1); y0 -= y0 ? pad : 0; y1 += pad; }
    function px(x) { return left + (x - x0) / (x1 - x0) * (width - left - right); }
    function py(y) {
      var part = options.log ? Math.log(y / y0) / Math.log(y1 / y0) : (y - y0) / (y1 - y0);
      return height - bottom - part * (height - top - bottom);
    }
    var picture = shape("svg", { class: "panel plot", viewBox: "0 0 " + width + " " + height, role: "img",
      "aria-label": options.label, style: "--w:" + width + "px" });
    (options.log ? decades(y0, y1) : steps(y0, y1, 5)).forEach(function (value) {
      picture.append(shape("path", { class: "grid", d: "M" + left + " " + py(value) + "H" + (width - right) }),
        shape("text", { class: "tick", x: left - 6, y: py(value) + 4, "text-anchor": "end" },
          value && Math.abs(value) < 0.001 ? value.toExponential() : general(value)));
    });
    var end = -Infinity;
    (options.xTicks || steps(x0, x1, 5)).forEach(function (value, i) {
      var text = options.xNames ? options.xNames[i] : general(value), half = 3.6 * text.length;
      if (px(value) - half < end + 6) { return; }
      end = px(value) + half;
      picture.append(shape("text", { class: "tick", x: px(value), y: height - bottom + 16, "text-anchor": "middle" }, text));
    });
    (options.bounds || []).forEach(function (value) {
      picture.append(shape("path", { class: "grid", d: "M" + px(value) + " " + top + "V" + (height - bottom) }));
    });
    picture.append(shape("text", { class: "tick", x: left - 40, y: 13 }, options.yLabel),
      shape("text", { class: "tick", x: width - right, y: height - 4, "text-anchor": "end" }, options.xLabel));
    options.lines.forEach(function (line, i) {
      // Designs that agree would hide each other; a few pixels apart both can be seen.
      var shift = line.cells ? 5 * (i - (options.lines.length - 1) / 2) : 0;
      drawLine(picture, line, function (x) { return px(x) + shift; }, py, options.log);
    });
    return picture;
  }
  function drawLine(picture, line, px, py, log) {
    var path = "", pen = false;
    line.y.forEach(function (y, i) {
      if (y === null || (log && !(y > 0))) { pen = false; return; }
      path += (pen ? "L" : "M") + px(line.x[i]).toFixed(1) + " " + py(y).toFixed(1);
      pen = true;
    });
    var group = shape("g", { style: "--c:" + line.colour, class: "line" });
    picture.append(group);
    if (line.low) {
      line.x.forEach(function (x, i) {
        if (line.low[i] !== null) {
          group.append(shape("path", { class: "whisker", d: "M" + px(x) + " " + py(line.low[i]) + "V" + py(line.high[i]) }));
        }
      });
    }
    group.append(shape("path", { class: "stroke", d: path, "stroke-width": line.width || 1.8,
      "stroke-dasharray": line.dash || "none", "stroke-opacity": line.faint ? 0.45 : 1 }));
    if (line.cells) {
      line.x.forEach(function (x, i) {
        if (line.y[i] !== null) {
          group.append(made(MARKS[line.mark % 4](px(x), py(line.y[i])), { class: "mark", "data-c": line.cells[i] }));
        }
      });
    }
  }

  // What is pointed at --------------------------------------------------------------------------------------------

  function cellOf(target) {
    var found = target && target.closest ? target.closest("[data-c],[data-p]") : null;
    if (!found) { return null; }
    return found.dataset.c !== undefined ? { cell: data.cells[found.dataset.c], at: found, id: Number(found.dataset.c) }
      : { pair: data.pairs[found.dataset.p], at: found };
  }
  function ended(cell) {
    return Object.keys(cell.ended).map(function (name) { return cell.ended[name] + " " + name; }).join(", ");
  }
  function interval(row, write) {
    return row.low === null ? "no interval" : write(row.low) + " to " + write(row.high);
  }
  function told(found) {
    if (found.cell) {
      var cell = found.cell;
      return [cell.label + ", " + cell.level + ", time " + general(cell.time),
        "mean score " + number(cell.score) + " (" + interval(cell, number) + ")",
        cell.n + (cell.n === 1 ? " run: " : " runs: ") + ended(cell)];
    }
    var pair = found.pair;
    return [pair.label + " " + MINUS + " " + pair.other + ", " + pair.level + ", time " + general(pair.time),
      "difference " + signed(pair.difference) + " (" + interval(pair, signed) + ")",
      pair.n + " pairs; means " + number(pair.scores[0]) + " and " + number(pair.scores[1])];
  }
  var tip = el("div", { id: "tip", role: "tooltip", hidden: "" });
  document.body.append(tip);
  function show(found, x, y) {
    tip.replaceChildren.apply(tip, told(found).map(function (line, i) { return el(i ? "div" : "b", {}, line); }));
    if (found.cell && found.cell.command !== undefined) { tip.append(el("div", { class: "soft" }, "click for its runs")); }
    tip.hidden = false;
    var box = tip.getBoundingClientRect(), wide = document.documentElement.clientWidth;
    tip.style.left = Math.max(4, Math.min(x + 14, wide - box.width - 8)) + "px";
    tip.style.top = (y + 18 + box.height > window.innerHeight ? Math.max(4, y - box.height - 12) : y + 18) + "px";
  }
  function hide() { tip.hidden = true; }
  var pointer = null;
  function look(target) {
    var found = cellOf(target);
    if (found) { show(found, pointer[0], pointer[1]); } else { hide(); }
  }
  document.addEventListener("pointermove", function (event) {
    pointer = [event.clientX, event.clientY];
    look(event.target);
  });
  document.addEventListener("pointerleave", hide);
  // What lies under a pointer that rests changes as the page moves.
  document.addEventListener("scroll", function () {
    if (pointer) { look(document.elementFromPoint(pointer[0], pointer[1])); } else { hide(); }
  }, true);
  document.addEventListener("focusin", function (event) {
    var found = event.target.matches("[data-c],[data-p]") ? cellOf(event.target) : null;
    if (!found) { hide(); return; }
    var box = found.at.getBoundingClientRect();
    show(found, box.right, box.bottom - 12);
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { hide(); }
  });
  document.addEventListener("click", function (event) {
    var found = cellOf(event.target);
    if (found && found.cell) { open(found.id, found.at); }
  });

  // One stop of the Tab key for each map; arrows go from cell to cell.
  each("svg.atlas", function (map) {
    var cells = Array.from(map.querySelectorAll("[data-c],[data-p]"));
    if (!cells.length) { return; }
    map.setAttribute("role", "group");
    cells.forEach(function (cell, i) {
      var found = cellOf(cell);
      made(cell, { tabindex: i ? "-1" : "0", role: found.cell ? "button" : "img", "aria-label": told(found).join("; ") });
    });
    function middle(cell) {
      return [Number(cell.getAttribute("x")) + cell.getAttribute("width") / 2,
        Number(cell.getAttribute("y")) + cell.getAttribute("height") / 2];
    }
    map.addEventListener("keydown", function (event) {
      var way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
      var from = event.target;
      if (event.key === "Enter" || event.key === " ") {
        var found = cellOf(from);
        if (found && found.cell) { event.preventDefault(); open(found.id, from); }
      }
      if (!way || cells.indexOf(from) < 0) { return; }
      event.preventDefault();
      var here = middle(from), best = null, least = Infinity;
      cells.forEach(function (cell) {
        var there = middle(cell), along = (there[0] - here[0]) * way[0] + (there[1] - here[1]) * way[1];
        var across = Math.abs((there[0] - here[0]) * way[1]) + Math.abs((there[1] - here[1]) * way[0]);
        var far = along + 8 * across;
        if (along > 0.5 && far < least) { least = far; best = cell; }
      });
      if (best) {
        from.setAttribute("tabindex", "-1");
        best.setAttribute("tabindex", "0");
        best.focus();
      }
    });
  });

  // A cell, opened --------------------------------------------------------------------------------------------------

  var dialog = el("dialog", { id: "cell", "aria-labelledby": "cell-title" });
  document.body.append(dialog);
  var opener = null;
  dialog.addEventListener("close", function () { if (opener && opener.focus) { opener.focus(); hide(); } });
  dialog.addEventListener("click", function (event) { if (event.target === dialog) { dialog.close(); } });

  function colour(name) { return "var(--series-" + data.labels.indexOf(name) % 8 + ")"; }

  // A dot for each replicate; equal scores stand side by side.
  function dots(cell, chosen) {
    var width = 420, height = 96, picture = shape("svg", { class: "panel dots", viewBox: "0 0 " + width + " " + height,
      role: "group", "aria-label": "Scores of the replicates", style: "--w:" + width + "px" });
    function px(score) { return 16 + score * (width - 32); }
    picture.append(shape("path", { class: "grid", d: "M16 70H" + (width - 16) }));
    [0, 0.25, 0.5, 0.75, 1].forEach(function (value) {
      picture.append(shape("text", { class: "tick", x: px(value), y: 90, "text-anchor": "middle" }, String(value)));
    });
    if (cell.low !== null) {
      picture.append(shape("path", { class: "range", d: "M" + px(cell.low) + " 76H" + px(cell.high) }));
    }
    picture.append(shape("path", { class: "mean", d: "M" + px(cell.score) + " 8V78" }));
    var bins = {}, places = [];
    cell.scores.forEach(function (score, i) {
      var at = Math.round(px(score) / 9);
      bins[at] = bins[at] || [];
      bins[at].push(i);
    });
    var most = Math.max.apply(null, Object.keys(bins).map(function (at) { return bins[at].length; }));
    // Few dots stand one above the other; many in a block, as high as there is room.
    var step = most > 6 ? 5.4 : 9, high = Math.floor(56 / step), radius = most > 6 ? 2.5 : 4.2;
    Object.keys(bins).forEach(function (at) {
      var across = Math.ceil(bins[at].length / high), middle = px(cell.scores[bins[at][0]]), half = (across - 1) / 2 * step;
      middle = Math.min(Math.max(middle, 6 + half), width - 6 - half);
      bins[at].forEach(function (i, nth) {
        places[i] = [middle - half + Math.floor(nth / high) * step, 65 - (nth % high) * step];
      });
    });
    cell.scores.forEach(function (score, i) {
      var bad = cell.bad && cell.bad[i] !== undefined;
      var dot = shape("circle", { cx: places[i][0], cy: places[i][1], r: radius, class: bad ? "dot bad" : "dot",
        tabindex: "0", role: "button",
        "aria-label": "replicate " + cell.replicates[i] + ": " + number(score) + (bad ? ", " + data.outcomes[cell.bad[i]] : "") });
      dot.append(shape("title", {}, dot.getAttribute("aria-label")));
      function pick() { chosen(cell.replicates[i]); }
      dot.addEventListener("click", pick);
      dot.addEventListener("keydown", function (event) {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(); }
      });
      picture.append(dot);
    });
    return picture;
  }
  function learning(cell, id) {
    var kept = data.learning[cell.dataset + "/" + cell.label];
    var loss = kept && kept.loss[id];
    if (!loss) { return null; }
    var lines = loss.map(function (y, i) {
      var middle = !kept.each && i === 1;
      return { x: kept.epochs, y: y, colour: colour(cell.label), width: middle ? 2 : 1.1, faint: !middle };
    });
    return plot({ lines: lines, log: true, xLabel: "epoch", yLabel: "training loss", label: "Training loss by epoch" });
  }
  function course(id) {
    return data.courses.find(function (one) { return one.cell === id; });
  }
  function coursePlot(found, cell) {
    var lines = found.lines.map(function (line, i) {
      return { x: found.x, y: line.y, colour: "var(--series-" + i % 8 + ")", dash: line.minus ? "5 3" : "none", width: 1.5 };
    });
    var bounds = found.shown.slice(1).map(function (_, i) { return (i + 1) * cell.time; });
    return plot({ lines: lines, bounds: bounds, xLabel: "time", yLabel: "concentration",
      label: "Concentrations over time of replicate " + found.replicate });
  }
  function part(heading, children) { return el("section", {}, [el("h3", {}, heading)].concat(children)); }

  function open(id, from) {
    var cell = data.cells[id];
    hide();
    opener = from;
    var close = button("Close", function () { dialog.close(); });
    close.classList.add("close");
    var parts = [
      el("header", {}, [el("h2", { id: "cell-title" }, data.datasets[cell.dataset] + ", " + cell.label), close]),
      el("p", { class: "where" }, (cell.kind === "none" ? "No noise" : cell.stress + ": " + cell.level) + ", running time " + general(cell.time)),
      el("p", {}, [el("b", {}, "Mean score " + number(cell.score)), " (95 % interval " + interval(cell, number) + "), " +
        cell.n + (cell.n === 1 ? " run: " : " runs: ") + ended(cell) + "."]),
    ];
    if (cell.command === undefined) {
      parts.push(el("p", { class: "soft" }, "No run of this cell is stored."));
    } else {
      var shared = data.commands[cell.dataset + "/" + cell.label], whole = [shared[0], cell.command, shared[1]].filter(Boolean).join(" ");
      var code = el("code", {}, whole), said = el("p", { class: "soft", "aria-live": "polite" });
      var choose = function (replicate) {
        var pieces = whole.replace(/--replicate \d+/, "--replicate " + replicate).split(/ (?=--)/);
        code.replaceChildren();
        pieces.forEach(function (piece, i) { code.append(i ? " " : "", el("span", {}, piece)); });
        said.textContent = "Replicate " + replicate + (code.textContent.indexOf("--replicate") < 0 ? ": all replicates of this cell are one run." : ".");
      };
      if (cell.scores) {
        parts.push(part("Replicates", [el("p", { class: "soft" }, "A dot for each run, red where it did not end ok; the line is the mean, the bar its interval. A dot chosen sets the command below."), dots(cell, choose)]));
        choose(cell.replicates[0]);
      }
      var curve = learning(cell, id), kept = course(id);
      if (curve) {
        var eachRun = data.learning[cell.dataset + "/" + cell.label].each;
        parts.push(part("Learning", [el("p", { class: "soft" }, eachRun ? "Training loss of each replicate." : "Training loss: median and quartiles over the replicates."), curve]));
      }
      if (kept) {
        var names = el("ul", { class: "species" }, kept.lines.map(function (line, i) {
          return el("li", {}, [el("i", { class: line.minus ? "minus" : "plus", style: "--c:var(--series-" + i % 8 + ")" }), el("code", {}, line.name)]);
        }));
        var picture = coursePlot(kept, cell);
        parts.push(part("Over time", [el("p", { class: "soft" }, kept.title + ". Replicate " + kept.replicate + ", " + kept.what +
          (kept.shown.length > 1 ? "s " : " ") + kept.shown.join(", ") + "."), picture || "", names]));
      } else {
        parts.push(part("Over time", [el("p", { class: "soft" }, "No concentrations of this cell were kept; the key trajectories of the sweep file says which cells keep them.")]));
      }
      var copy = el("button", { type: "button", class: "copy" }, "Copy");
      copies(copy, code);
      parts.push(part("The command that repeats a run", [said, el("div", { class: "command" }, [code, copy])]));
    }
    dialog.replaceChildren.apply(dialog, parts);
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  // Designs compared at any running time ----------------------------------------------------------------------------

  var DASH = ["none", "6 3", "2 2", "7 3 2 3"];
  function explorer(holder) {
    var name = holder.dataset.dataset;
    var mine = data.cells.map(function (cell, id) { return Object.assign({ id: id }, cell); }).filter(function (cell) {
      return cell.dataset === name && cell.kind.indexOf("+") < 0;
    });
    var kinds = unique(mine.map(function (cell) { return cell.kind; })).filter(function (kind) { return kind !== "none"; });
    var times = unique(mine.map(function (cell) { return cell.time; })).sort(function (a, b) { return a - b; });
    var labels = data.labels.filter(function (label) { return mine.some(function (cell) { return cell.label === label; }); });
    if (!kinds.length && times.length < 2) { return; }
    var stress = el("select", { "aria-label": "Noise" }, kinds.map(function (kind) {
      return el("option", { value: kind }, mine.find(function (cell) { return cell.kind === kind; }).stress);
    }).concat(times.length > 1 ? [el("option", { value: "" }, "running time, no noise")] : []));
    var slider = el("input", { type: "range", min: 0, max: times.length - 1, step: 1, value: times.length - 1,
      "aria-label": "Running time" });
    var value = el("select", { "aria-label": "What is drawn" }, [el("option", { value: "score" }, "mean score"), el("option", { value: "kept" }, "part of the noise-free score")]);
    var shown = el("output", {}), holderOf = el("div", { class: "chart", "data-title": "compare " + name });
    var boxes = labels.map(function (label, i) {
      var box = el("input", { type: "checkbox", value: label });
      box.checked = i < 6;
      return el("label", { style: "--c:" + colour(label) }, [box, el("i", {}), label]);
    });
    function draw() {
      var time = times[Number(slider.value)], kind = stress.value;
      shown.textContent = general(time);
      slider.setAttribute("aria-valuetext", "time " + general(time));
      slider.disabled = times.length < 2 || !kind;
      var wanted = labels.filter(function (_, i) { return boxes[i].querySelector("input").checked; });
      var ticks = {};
      var lines = wanted.map(function (label) {
        var rows = mine.filter(function (cell) {
          return cell.label === label && (kind ? cell.time === time && (cell.kind === kind || cell.kind === "none") : cell.kind === "none");
        });
        rows.sort(function (a, b) { return kind ? a.magnitude - b.magnitude : a.time - b.time; });
        var before = kind ? rows.find(function (cell) { return cell.kind === "none"; }) : rows[rows.length - 1];
        var unit = value.value === "kept" ? (before && before.score > 0 ? before.score : null) : 1;
        function at(x) { return x === null || unit === null ? null : x / unit; }
        rows.forEach(function (cell) {
          var x = kind ? cell.magnitude : cell.time;
          ticks[x] = kind ? (cell.kind === "none" ? "0" : cell.level.replace(cell.kind + " ", "")) : general(x);
        });
        var place = data.labels.indexOf(label);
        return { x: rows.map(function (cell) { return kind ? cell.magnitude : cell.time; }),
          y: rows.map(function (cell) { return at(cell.score); }), cells: rows.map(function (cell) { return cell.id; }),
          low: value.value === "kept" ? null : rows.map(function (cell) { return cell.low; }),
          high: rows.map(function (cell) { return cell.high; }), colour: colour(label), dash: DASH[place % 4], mark: place % 4 };
      });
      var places = Object.keys(ticks).map(Number).sort(function (a, b) { return a - b; });
      var picture = lines.length ? plot({ lines: lines, width: 720, height: 300,
        y: value.value === "kept" ? undefined : [0, 1], xTicks: places, xNames: places.map(function (x) { return ticks[x]; }),
        xLabel: kind ? stress.selectedOptions[0].textContent : "running time", yLabel: value.selectedOptions[0].textContent,
        label: "Score of the chosen designs" }) : null;
      var known = lines.some(function (line) { return line.y.some(function (y) { return y !== null; }); });
      var missing = !wanted.length ? "No design is chosen." : value.value === "kept" && lines.some(function (line) { return line.x.length; })
        ? "Of a noise-free score of 0 no part can be kept." : "None of the chosen designs was run here.";
      holderOf.replaceChildren(known && picture || el("p", { class: "soft" }, missing));
      Array.from(figure.querySelectorAll(".tools button")).forEach(function (one) { one.disabled = !(known && picture); });
    }
    var figure = el("figure", { "data-title": "compare" }, [holderOf]);
    [stress, slider, value].concat(boxes).forEach(function (control) { control.addEventListener("input", draw); });
    holder.append(el("h4", {}, "Designs side by side"), el("div", { class: "controls" }, [
      el("label", {}, ["Under ", stress]),
      el("label", { class: "time" }, ["at running time ", slider, shown]),
      el("label", {}, ["show ", value]),
    ]), el("fieldset", { class: "designs" }, [el("legend", {}, "Designs")].concat(boxes)), figure);
    figure.append(el("div", { class: "tools" }, [
      button("SVG", function () { saveFigure(figure, "compare " + name, false); }, "Save this figure as SVG"),
      button("PNG", function () { saveFigure(figure, "compare " + name, true); }, "Save this figure as PNG"),
    ]));
    holder.hidden = false;
    draw();
  }
  each(".explorer", explorer);

  // Data sets as tabs; printed, all of them follow each other ---------------------------------------------------------

  (function () {
    var parts = Array.from(document.querySelectorAll(".first"));
    if (parts.length < 2) { return; }
    var bar = el("div", { class: "tabs", role: "tablist", "aria-label": "Data sets" });
    var tabs = parts.map(function (part, i) {
      var tab = el("button", { type: "button", role: "tab", id: "tab-" + i, "aria-controls": part.id }, part.dataset.title);
      made(part, { role: "tabpanel", "aria-labelledby": "tab-" + i });
      tab.addEventListener("click", function () { choose(i); });
      return tab;
    });
    function choose(chosen) {
      tabs.forEach(function (tab, i) {
        tab.setAttribute("aria-selected", i === chosen ? "true" : "false");
        tab.tabIndex = i === chosen ? 0 : -1;
        parts[i].classList.toggle("off", i !== chosen);
      });
    }
    bar.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], at = tabs.indexOf(event.target);
      if (!step || at < 0) { return; }
      var next = (at + step + tabs.length) % tabs.length;
      choose(next);
      tabs[next].focus();
    });
    made(bar, {}, tabs);
    parts[0].before(bar);
    choose(0);
  })();

  // The whole of the data ---------------------------------------------------------------------------------------------

  each(".downloads", function (holder) {
    holder.hidden = false;
    holder.append(
      button("All cells as CSV", function () {
        saveRows(fileName("cells", "csv"), [["dataset", "design", "running_time", "noise_kind", "level", "runs", "score", "score_low", "score_high", "outcomes"]].concat(
          data.cells.map(function (c) { return [c.dataset, c.label, c.time, c.kind, c.level, c.n, c.score, c.low, c.high, ended(c)]; })));
      }),
      button("Sweep file as YAML", function () {
        save(fileName("", "yaml"), new Blob([data.config], { type: "application/yaml" }));
      }));
  });

  // When this file was written, as its reader's machine knows it: equal results give equal bytes, so no date is in them.
  // Who serves it without a date gets that of now, which says nothing.

  each(".written", function (holder) {
    var at = new Date(document.lastModified);
    if (!(Date.now() - at > 5000)) { return; }
    holder.textContent = " This file was last written on " + at.getFullYear() + "-" +
      [at.getMonth() + 1, at.getDate()].map(function (n) { return String(n).padStart(2, "0"); }).join("-") + ".";
    holder.hidden = false;
  });
  document.documentElement.classList.add("scripted");
})();
