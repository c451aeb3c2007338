// Before anything is drawn: the theme that was chosen, else the system's.
(() => {
  const chosen = localStorage.getItem("twincell.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
