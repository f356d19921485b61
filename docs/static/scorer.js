// What the search shows first; only "score" differs from what Sphinx does by itself.
// biome-ignore lint/correctness/noUnusedVariables: Sphinx reads it.
var Scorer = {
  // Those who ask a question look last into the log of changes and into how the code is laid out.
  score: ([page, , , , score]) => (/^(CHANGELOG|CONTRIBUTING|docs\/architecture)$/.test(page) ? score - 40 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
