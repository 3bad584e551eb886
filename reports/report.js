(function () {
  var root = document.documentElement, get = function (id) { return document.getElementById(id); };
  function on(id, event, f) { var e = get(id); if (e) e.addEventListener(event, f); }
  on("lang", "click", function () { root.lang = root.lang === "ko" ? "en" : "ko"; });
  on("theme", "click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  on("print", "click", function () { window.print(); });
  var opened = [];
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (d) {
      if (d.closest("td,th") || "long" in d.dataset) return; // too long for paper
      d.open = true; opened.push(d);
    });
  });
  window.addEventListener("afterprint", function () { opened.forEach(function (d) { d.open = false; }); opened = []; });
  on("find", "input", function (e) {
    var want = e.target.value.trim().toLowerCase();
    document.querySelectorAll(".matrix tbody tr").forEach(function (row) {
      row.hidden = want !== "" && row.firstElementChild.textContent.toLowerCase().indexOf(want) < 0;
    });
    if (want) document.querySelectorAll("details.mx").forEach(function (d) { d.open = !!d.querySelector("tbody tr:not([hidden])"); });
  });
})();
