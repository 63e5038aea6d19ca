// Set the reader's colors before anything is painted: as the system has them, or as
// chosen here. A classic script, since modules wait for the document.

(() => {
  const KEY = "kantor-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem(KEY) ?? "system";
    } catch {
      return "system"; // storage is forbidden here
    }
  }

  function apply() {
    const choice = chosen();
    const dark = choice === "dark" || (choice === "system" && system.matches);
    root.dataset.theme = dark ? "dark" : "light";
    root.dataset.choice = choice;
    dispatchEvent(new Event("themechange"));
  }

  window.kantorTheme = {
    next: { system: "light", light: "dark", dark: "system" },
    choose(choice) {
      try {
        localStorage.setItem(KEY, choice);
      } catch {
        // then it holds for no longer than this page
      }
      apply();
    },
  };
  system.addEventListener("change", apply);
  apply();
})();
