// Keeps the shown codes current. Without this script the link above the accounts does the same.
async function refresh() {
  try {
    const codes = await (await fetch('/codes')).json()
    for (const shown of document.querySelectorAll('[data-code]')) {
      const current = codes[shown.dataset.code]
      if (current && shown.textContent !== current.code) shown.textContent = current.code
    }
  } catch {
    // The clinic was stopped: the codes stay as they were.
  }
  const untilNextStep = 30000 - (Date.now() % 30000)
  setTimeout(refresh, untilNextStep + 200)
}
refresh()
