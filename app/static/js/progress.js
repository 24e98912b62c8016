// Asks the page that is open how far its work is, and shows what the page would show; without it a link does.
const SECONDS = 3;
let asksLeft = 400; // 20 minutes: a page that nobody looks at must not keep its log-in awake for ever

const again = async () => {
  const shown = document.getElementById("progress");
  try {
    const reply = await fetch(location.href, { headers: { "X-Requested-With": "fetch" }, redirect: "manual" });
    if (reply.status === 200) {
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const found = page.getElementById("progress");
      if (found?.hasAttribute("data-progress")) {
        const [old, fresh] = [shown, found].map((part) => part.querySelector(".download-progress"));
        if (old.textContent !== fresh.textContent) {
          old.querySelector("[role=status]").replaceChildren(...fresh.querySelector("[role=status]").childNodes);
          old.querySelector("progress").value = fresh.querySelector("progress").value;
          const [oldRows, freshRows] = [shown, found].map((part) => part.querySelector("[data-progress-rows]"));
          if (oldRows && freshRows) oldRows.replaceChildren(...freshRows.childNodes);
        }
      } else {
        location.reload(); // done, failed or gone: the whole page says so
        return;
      }
    } else if (reply.status !== 503) {
      location.reload();
      return;
    }
  } catch {
    // the network is away for a moment
  }
  asksLeft -= 1;
  if (asksLeft > 0) {
    setTimeout(again, SECONDS * 1000);
  }
};

setTimeout(again, SECONDS * 1000);
