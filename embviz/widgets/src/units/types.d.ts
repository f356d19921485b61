/** What crosses to the card of a dimension, as widgets/schema.py says. */

export interface UnitTag {
  name: string;
  r: number;
  low: number | null;
  high: number | null;
  held_back: number | null;
  tracks: number | null;
}

export interface UnitPicture {
  title: string;
  hint: string;
  shape: [number, number];
  hz: number[];
  seconds: number;
  low: number;
  high: number;
  unit: string;
  signed: boolean;
}

export interface UnitCard {
  dimension?: number;
  title?: string;
  about?: string;
  unit?: string;
  frames?: number;
  tracks?: number;
  named?: boolean;
  sentence?: [text: string, kind: string][];
  tags?: UnitTag[];
  basis?: string;
  columns?: { name: string; text: string; hint: string }[];
  alike?: { dimension: number; title: string; r: number }[];
  facts?: [name: string, text: string][];
  notes?: string[];
  edges?: number[];
  shares?: number[];
  own?: number[];
  track?: string;
  pictures?: UnitPicture[];
}
