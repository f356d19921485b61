/** The widgets of a page with a kernel: what anywidget renders, by the name of the Python module beside it. */
import atlas from "./atlas/atlas.js";
import { setSheet, useSheet } from "./base/sheet.js";
import comparison from "./comparison/comparison.js";
import confusion from "./confusion/confusion.js";
import curves from "./curves/curves.js";
import panel from "./explorer/panel.js";
import feature_maps from "./feature_maps/feature_maps.js";
import heatmap from "./heatmap/heatmap.js";
import moments from "./moments/moments.js";
import pairs from "./pairs/pairs.js";
import plane from "./plane/plane.js";
import player from "./player/player.js";
import scatter from "./scatter/scatter.js";
import self_similarity from "./self_similarity/self_similarity.js";
import unit_card from "./units/unit_card.js";

export {
  atlas,
  comparison,
  confusion,
  curves,
  feature_maps,
  heatmap,
  moments,
  pairs,
  panel,
  plane,
  player,
  scatter,
  self_similarity,
  setSheet,
  unit_card,
  useSheet,
};
