"use strict";
document.querySelectorAll("table.sortable th[data-sort]").forEach(function (head) {
  head.addEventListener("click", function () {
    var body = head.closest("table").tBodies[0], at = head.cellIndex, numbers = head.dataset.sort === "number";
    var down = head.getAttribute("aria-sort") === "ascending" || (numbers && !head.hasAttribute("aria-sort"));
    head.parentNode.querySelectorAll("th").forEach(function (th) { th.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    var value = function (row) {
      var cell = row.cells[at];
      return numbers ? (cell.dataset.v === "" ? -Infinity : Number(cell.dataset.v)) : cell.textContent;
    };
    Array.from(body.rows).sort(function (a, b) {
      var x = value(a), y = value(b), order = numbers ? (x > y) - (x < y) : x.localeCompare(y, document.documentElement.lang);
      return down ? -order : order;
    }).forEach(function (row) { body.appendChild(row); });
  });
});
document.querySelectorAll("[data-find]").forEach(function (box) {
  box.addEventListener("input", function () {
    var wanted = box.value.trim().toLowerCase();
    Array.from(document.getElementById(box.dataset.find).tBodies).forEach(function (body) {
      var left = 0;
      Array.from(body.rows).forEach(function (row) {
        if (row.className === "group") { return; }
        if (row.className === "reason") { row.hidden = row.previousElementSibling.hidden; return; }
        row.hidden = wanted !== "" && (row.cells[0].textContent + " " + row.cells[1].textContent).toLowerCase().indexOf(wanted) < 0;
        left += row.hidden ? 0 : 1;
      });
      body.hidden = left === 0;
    });
  });
});
document.querySelectorAll("[data-only]").forEach(function (box) {
  box.addEventListener("change", function () {
    document.querySelectorAll("#" + box.dataset.only + " .scroll").forEach(function (part) {
      part.querySelectorAll("tr.same").forEach(function (row) { row.hidden = box.checked; });
      part.hidden = part.querySelector("tbody tr:not([hidden])") === null;
    });
  });
});
addEventListener("beforeprint", function () {
  document.querySelectorAll("details.proof").forEach(function (part) { part.open = true; });
});
