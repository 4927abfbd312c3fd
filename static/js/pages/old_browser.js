/* Loaded with `nomodule`: only browsers too old for the visit run it, so it is written for them. */
(function () {
  var loading = document.querySelector("[data-step=loading]");
  var message = document.querySelector("[data-part=old_browser]");
  if (loading) loading.setAttribute("hidden", "");
  if (message) message.removeAttribute("hidden");
})();
