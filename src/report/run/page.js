(() => {
  // Pointing at a chart shows the values of that epoch in all charts.
  const curves = JSON.parse(document.getElementById("curves").textContent);
  const charts = [...document.querySelectorAll(".chart")];
  const { epochs, left, right, width } = curves;
  const last = epochs.length - 1;

  function showEpoch(index, pointed) {
    charts.forEach((chart, number) => {
      chart.querySelector(".readout").textContent = curves.charts[number][index];
      const line = chart.querySelector(".at");
      const share = last > 0 ? (epochs[index] - epochs[0]) / (epochs[last] - epochs[0]) : 0.5;
      line.setAttribute("transform", `translate(${left + share * (right - left)} 0)`);
      line.style.visibility = pointed ? "visible" : "hidden";
    });
  }

  for (const chart of charts) {
    const picture = chart.querySelector("svg");
    const point = (event) => {
      const box = picture.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * width;
      const epoch = epochs[0] + (x - left) / (right - left) * (epochs[last] - epochs[0]);
      const far = (index) => Math.abs(epochs[index] - epoch);
      showEpoch(epochs.reduce((best, _, index) => (far(index) < far(best) ? index : best), 0), true);
    };
    picture.addEventListener("pointermove", point);
    picture.addEventListener("pointerdown", point);
    picture.addEventListener("pointerleave", () => showEpoch(last, false));
  }

  const matrix = document.querySelector(".matrix");
  const cell = document.getElementById("cell");
  for (const name of matrix ? ["pointerover", "click"] : []) {
    matrix.addEventListener(name, ({ target }) => {
      const title = target.querySelector("title");
      if (title) cell.textContent = title.textContent;
    });
  }

  const cards = [...document.querySelectorAll(".card")];
  if (!cards.length) return;
  const scenes = [...document.querySelectorAll(".scene")];
  const root = document.querySelector(".player");
  const player = makePlayer(root);
  const narrow = matchMedia("(max-width: 60rem)");

  function choose(index, playing) {
    cards.forEach((card, number) => card.setAttribute("aria-pressed", number === index));
    const card = cards[index];
    const parts = [...card.querySelectorAll(".clip, .verdict")].map((part) => part.cloneNode(true));
    document.getElementById("playing").replaceChildren(...parts);
    root.querySelector(".bodies").replaceChildren(card.parentElement.querySelector("template").content.cloneNode(true));
    player.load(JSON.parse(scenes[index].textContent), playing);
    if (playing && narrow.matches) root.scrollIntoView({ block: "start" });
  }

  cards.forEach((card, index) => card.addEventListener("click", () => choose(index, true)));
  choose(0, false);
})();
