/** 256 things that people know by sight in each language: short, and easy to tell apart when read over a bad line. */

const ENGLISH = `
  acorn album anchor apple apron arrow atlas autumn bacon badge bagel balcony bamboo banana banjo barn basket beach
  bean beaver bell berry bicycle biscuit blanket boat bonnet bottle bracelet branch bread brick bridge broom brush
  bucket button cabin cactus camel candle canoe carpet carrot castle cello chair cheese cherry chimney circus clock
  cloud clover coconut coffee comb compass cookie copper coral cotton crane crayon cricket crown cucumber cup
  curtain cushion daisy dolphin donkey door dragon drawer drum duck eagle easel elbow elephant engine envelope
  falcon feather fence fiddle finger flag flute forest fork fountain fox frog garden garlic giraffe glacier glove
  goose grape guitar hammer hamster harbour harp hat hazel hedge helmet heron honey horse hotel igloo iron island
  ivy jacket jam jelly jewel jigsaw jungle kettle kite kitten knee ladder lamp lantern lemon lettuce library lily
  lion lizard lobster magnet mango maple marble market meadow melon mirror moon mosaic motor mouse mushroom napkin
  needle nest notebook nutmeg oak ocean olive onion orange orchard organ otter oven owl oyster paddle palace pancake
  panda paper peanut pencil penguin pepper piano picnic pigeon pillow pilot pine pirate planet plum pocket pony
  poppy potato pumpkin puppet puzzle pyramid quilt rabbit radio raft rainbow raisin ribbon river robin rose rudder
  salad salmon sandal scarf scissors scooter shadow shell ship shovel silver skirt sled snail sofa spider sponge
  spoon squirrel star stove straw submarine swan table teapot tent thimble thunder tiger tomato tower tractor train
  trumpet tulip turtle umbrella valley velvet violin volcano waffle wagon walnut walrus whale window yoghurt zebra
`;

const GERMAN = `
  Ahorn Ampel Anker Apfel Armband Auster Bagger Ball Banane Bank Becher Berg Besen Bett Biene Birke Blatt Blume Boot
  Brandung Brief Brille Brunnen Buch Butter Dach Dachs Daumen Decke Delfin Dorf Drachen Eiche Eimer Elch Elefant
  Engel Ente Erbse Erdbeere Esel Eule Fackel Faden Falke Farn Feder Feige Fels Fenster Fisch Flasche Fliege Floss
  Fuchs Gabel Gans Garten Giraffe Gitarre Glas Glocke Gold Gurke Hafen Hahn Hammer Hamster Handschuh Harfe Hase Haus
  Hecht Helm Hemd Herbst Himmel Hirsch Hocker Holz Honig Hund Hut Igel Insel Jacke Jaguar Joghurt Kaffee Kamel Kamin
  Karotte Karte Kastanie Kasten Katze Keks Kerze Kessel Kette Kiefer Kino Kirsche Kissen Klarinette Klavier Klee
  Knopf Koala Koffer Komet Kompass Koralle Korb Krokodil Krone Krug Kuchen Kugel Kuh Kutsche Lamm Lampe Laterne Laub
  Leiter Lerche Leuchter Leuchtturm Lilie Linde Magnet Mais Mantel Marder Markt Meise Melone Messer Milch Mond Moos
  Motor Muschel Nadel Nashorn Nebel Nelke Nest Nuss Ofen Olive Orange Orgel Otter Paddel Palme Panda Papier Pappel
  Paprika Perle Pfanne Pfau Pfeffer Pferd Pflaume Pilz Pinguin Pinsel Planet Pokal Pudding Pudel Puppe Quark Quelle
  Rabe Radio Rakete Rasen Regal Regen Reh Reis Rettich Ring Ritter Robbe Rose Rucksack Ruder Sahne Salat Salz Sand
  Schaf Schere Schiff Schloss Schnee Schublade Schuh Schwan Segel Samowar Seife Silber Socke Sofa Sommer Sonne Spargel
  Spaten Spiegel Spinne Stein Storch Strumpf Stuhl Tanne Tasse Taube Teller Teppich Tiger Tomate Topf Traube Treppe
  Trommel Tulpe Turm Ufer Veilchen Vogel Vulkan Wagen Wald Walnuss Wein Weizen Wiese Wind Winter Wolf Wolke Wurzel
  Zange Zaun Zebra Zelt Ziege Zimt Zirkus Zwiebel
`;

/** @type {Record<string, string[]>} */
export const WORD_LISTS = { en: ENGLISH.trim().split(/\s+/), de: GERMAN.trim().split(/\s+/) };

/**
 * @param {number[]} indexes of SafetyRound
 * @param {string} language of the visit: everybody reads one list
 * @returns {string[]}
 */
export function safety_words(indexes, language) {
  const list = WORD_LISTS[language] ?? WORD_LISTS.en ?? [];
  return indexes.map((index) => list[index] ?? "");
}
