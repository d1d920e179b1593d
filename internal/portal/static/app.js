// Keys and copying, for those who have scripts: every page can be read, and
// everything be done, without.

const keys = [
  ["/", "search"],
  ["j k", "next, previous row"],
  ["Enter", "open the row"],
  ["g h", "first page"],
  ["g p", "profiles"],
  ["g l", "look up"],
  ["g c", "changes"],
  ["n p", "next, first page of a list"],
  ["?", "this help"],
];
const places = { h: "/", p: "/profiles", l: "/lookup", c: "/changes" };

let row = -1;
let waiting = false; // for the second key after g

const rows = () => [...document.querySelectorAll("main tbody tr")].filter((r) => r.offsetParent !== null);

function select(n) {
  const all = rows();
  if (all.length === 0) return;
  row = Math.max(0, Math.min(all.length - 1, n));
  for (const r of all) r.classList.remove("on");
  all[row].classList.add("on");
  all[row].scrollIntoView({ block: "nearest" });
  const link = all[row].querySelector("a");
  if (link) link.focus({ preventScroll: true });
}

function help() {
  let box = document.getElementById("keys");
  if (box) {
    box.close();
    box.remove();
    return;
  }
  box = document.createElement("dialog");
  box.id = "keys";
  box.setAttribute("aria-label", "Keys");
  const list = document.createElement("dl");
  for (const [key, what] of keys) {
    const dt = document.createElement("dt");
    for (const k of key.split(" ")) {
      const e = document.createElement("kbd");
      e.textContent = k;
      dt.append(e, " ");
    }
    const dd = document.createElement("dd");
    dd.textContent = what;
    list.append(dt, dd);
  }
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => box.close());
  box.append(list, close);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea, select, dialog")) return;
  if (waiting) {
    waiting = false;
    if (places[e.key]) {
      e.preventDefault();
      location.assign(places[e.key]);
    }
    return;
  }
  switch (e.key) {
    case "/": {
      const box = document.querySelector(".search input");
      box.focus();
      box.select();
      break;
    }
    case "j":
      select(row + 1);
      break;
    case "k":
      select(row - 1);
      break;
    case "g":
      waiting = true;
      break;
    case "n":
      document.querySelector("a[rel=next]")?.click();
      break;
    case "p":
      document.querySelector(".pages span a:not([rel=next])")?.click();
      break;
    case "?":
      help();
      break;
    default:
      return;
  }
  e.preventDefault();
});

for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) break; // only on secure pages
  button.hidden = false;
  button.addEventListener("click", async () => {
    const said = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser does not allow it";
    }
    setTimeout(() => { button.textContent = said; }, 1500);
  });
}
