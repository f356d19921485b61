/** The script of an exported page of a collection's map. */
import heatmap from "./heatmap/heatmap.js";
import { show } from "./page/collection_page.js";
import player from "./player/player.js";
import scatter from "./scatter/scatter.js";

show({ heatmap, player, scatter });
