/* Loaded with `nomodule`: only browsers too old for the visit run it, so it is written for them. */
(function () {
  var parts = document.querySelectorAll("[data-step=loading], [data-part=old_browser]");
  for (var index = 0; index < parts.length; index += 1) parts[index].hidden = !parts[index].hidden;
})();
