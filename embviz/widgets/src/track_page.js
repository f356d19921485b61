/** The script of an exported page of one track. */
import curves from "./curves/curves.js";
import feature_maps from "./feature_maps/feature_maps.js";
import heatmap from "./heatmap/heatmap.js";
import moments from "./moments/moments.js";
import { show } from "./page/track_page.js";
import plane from "./plane/plane.js";
import player from "./player/player.js";
import self_similarity from "./self_similarity/self_similarity.js";
import unit_card from "./units/unit_card.js";

show({ curves, feature_maps, heatmap, moments, plane, player, self_similarity, unit_card });
