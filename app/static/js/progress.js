// Asks the page that is open how far its work is, and shows what the page would show; without it a link does.
const SECONDS = 3;

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
          old.querySelector("[role=status]").innerHTML = fresh.querySelector("[role=status]").innerHTML;
          old.querySelector("progress").value = fresh.querySelector("progress").value;
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
  setTimeout(again, SECONDS * 1000);
};

setTimeout(again, SECONDS * 1000);
