import { PDFDocument, StandardFonts, rgb } from "pdf-lib";

/** A brand guide of several pages; each page has one sentence that no other says. */
export const BRAND_GUIDE = [
  {
    title: "Nordlys Coffee: brand guide",
    paragraphs: [
      "Nordlys roasts coffee in a former boathouse on the harbour of Bergen. Eleven people work there, and all of them can run the roaster.",
      "This guide is for everyone who writes, designs or photographs for the brand. It is short on purpose. Keep it open while you work.",
      "The company was founded by two sisters, Ingrid and Marit Aasen, who sold their first roast from a cargo bicycle.",
    ],
  },
  {
    title: "Voice",
    paragraphs: [
      "We write the way a good host talks: warm, plain and never in a hurry. Sentences are short. We do not shout, and we do not use exclamation marks.",
      "The reader is a grown-up who likes coffee and has little time. We explain a word the first time we use it, and then trust the reader.",
      "Humour is dry and at our own expense. A joke that needs explaining is left out.",
    ],
  },
  {
    title: "Prices",
    paragraphs: [
      "Prices are stated, not sold. Give the price of a cup before the price of a bag, and name the farm that it pays.",
      "The words deal, only and bargain are never used beside a price, because a fair price needs no excuse.",
      "Discounts exist for one reason: the harvest was larger than we expected, and we say so.",
    ],
  },
  {
    title: "Colour and pictures",
    paragraphs: [
      "The primary colour is harbour blue. It covers at most a third of any surface, so that paper stays the brightest thing in view.",
      "Photographs are taken by daylight from a north window, without flash and without models. Hands are welcome, faces are asked first.",
      "The logo keeps a clear space as wide as its letter N on every side.",
    ],
  },
  {
    title: "Launch of the autumn roast",
    paragraphs: [
      "The autumn roast is called Mørketid and goes on sale on the ninth of October in all three shops and online.",
      "The launch budget is 42,500 kroner, of which half is for the tasting evenings in the boathouse.",
      "Success means that four hundred people taste it in the first week, and that one in five takes a bag home.",
    ],
  },
];

const WIDTH = 595;
const HEIGHT = 842;
const MARGIN = 64;

/** A real PDF: one page for each part, set in running text. */
export async function brandGuide(): Promise<Buffer> {
  const pdf = await PDFDocument.create();
  pdf.setTitle("Nordlys brand guide");
  const serif = await pdf.embedFont(StandardFonts.TimesRoman);
  const bold = await pdf.embedFont(StandardFonts.TimesRomanBold);
  for (const { title, paragraphs } of BRAND_GUIDE) {
    const page = pdf.addPage([WIDTH, HEIGHT]);
    let y = HEIGHT - MARGIN - 22;
    page.drawText(title, { x: MARGIN, y, size: 22, font: bold, color: rgb(0.1, 0.2, 0.35) });
    y -= 40;
    for (const paragraph of paragraphs) {
      for (const line of wrap(paragraph, (text) => serif.widthOfTextAtSize(text, 12), WIDTH - 2 * MARGIN)) {
        page.drawText(line, { x: MARGIN, y, size: 12, font: serif });
        y -= 17;
      }
      y -= 10;
    }
  }
  return Buffer.from(await pdf.save());
}

/** Pages with a drawing and not one letter, as a scanner without text recognition makes them. */
export async function pdfWithoutText(): Promise<Buffer> {
  const pdf = await PDFDocument.create();
  for (let number = 0; number < 2; number++) {
    const page = pdf.addPage([WIDTH, HEIGHT]);
    page.drawRectangle({ x: 100, y: 200, width: 300, height: 400, color: rgb(0.8, 0.75, 0.6) });
  }
  return Buffer.from(await pdf.save());
}

/** The beginning of a PDF, as a broken download leaves it. */
export async function truncatedPdf(): Promise<Buffer> {
  const whole = await brandGuide();
  return whole.subarray(0, Math.floor(whole.length / 3));
}

function wrap(text: string, widthOf: (text: string) => number, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (line && widthOf(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/** A PDF of one page that is `bytes` large and a little more: nothing refers to most of it, so it is read in no time. */
export async function largePdf(bytes: number): Promise<Buffer> {
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.TimesRoman);
  pdf.addPage([WIDTH, HEIGHT]).drawText("The launch is on the third of May.", { x: MARGIN, y: HEIGHT - MARGIN, size: 12, font });
  pdf.context.register(pdf.context.stream(new Uint8Array(bytes).fill(0x2e)));
  return Buffer.from(await pdf.save({ useObjectStreams: false }));
}
