/** Small files of the office formats, as their programs lay them out: ZIP archives of XML, stored without compression. */

type Part = { name: string; content: string };

const TABLE = Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

const checksum = (bytes: Buffer) =>
  (bytes.reduce((sum, byte) => TABLE[(sum ^ byte) & 0xff]! ^ (sum >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;

/** APPNOTE.TXT, 4.3: a header before each part, and all of them again in a directory at the end. */
function zip(parts: Part[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of parts) {
    const [title, bytes] = [Buffer.from(name), Buffer.from(content)];
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt32LE(checksum(bytes), 10);
    facts.writeUInt32LE(bytes.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(title.length, 22);
    const file = Buffer.concat([Buffer.from("PK\x03\x04"), facts, title, bytes]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, 0]), facts, place, title]));
    files.push(file);
    offset += file.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(parts.length, 4);
  end.writeUInt16LE(parts.length, 6);
  end.writeUInt32LE(entries.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...files, entries, Buffer.from("PK\x05\x06"), end]);
}

const TYPES: Part = { name: "[Content_Types].xml", content: "<Types/>" };
const OFFICE = "http://schemas.openxmlformats.org";
const RELATION = `${OFFICE}/officeDocument/2006/relationships`;

/** A Word document of these paragraphs. */
export function word(...paragraphs: string[]): Buffer {
  const body = paragraphs.map((text) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`).join("");
  const content = `<w:document xmlns:w="${OFFICE}/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`;
  return zip([TYPES, { name: "word/document.xml", content }]);
}

/** A presentation with one text on each slide. */
export function slides(...texts: string[]): Buffer {
  const ids = texts.map((_, index) => `<p:sldId id="${256 + index}" r:id="rId${index}"/>`).join("");
  const relations = texts
    .map((_, index) => `<Relationship Id="rId${index}" Type="${RELATION}/slide" Target="slides/slide${index}.xml"/>`)
    .join("");
  return zip([
    TYPES,
    {
      name: "ppt/presentation.xml",
      content: `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>${ids}</p:sldIdLst></p:presentation>`,
    },
    { name: "ppt/_rels/presentation.xml.rels", content: `<Relationships>${relations}</Relationships>` },
    ...texts.map((text, index) => ({
      name: `ppt/slides/slide${index}.xml`,
      content: `<p:sld xmlns:p="p" xmlns:a="a"><p:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:txBody></p:sld>`,
    })),
  ]);
}

/** A workbook of one sheet. */
export function workbook(sheet: string, rows: string[][]): Buffer {
  const main = `${OFFICE}/spreadsheetml/2006/main`;
  const cell = (text: string, row: number, column: number) =>
    `<c r="${String.fromCharCode(65 + column)}${row + 1}" t="inlineStr"><is><t>${text}</t></is></c>`;
  const data = rows
    .map((cells, row) => `<row r="${row + 1}">${cells.map((text, column) => cell(text, row, column)).join("")}</row>`)
    .join("");
  const related = (kind: string, target: string) =>
    `<Relationships xmlns="${OFFICE}/package/2006/relationships"><Relationship Id="rId1" Type="${RELATION}/${kind}" Target="${target}"/></Relationships>`;
  return zip([
    TYPES,
    { name: "_rels/.rels", content: related("officeDocument", "xl/workbook.xml") },
    {
      name: "xl/workbook.xml",
      content: `<workbook xmlns="${main}" xmlns:r="${RELATION}"><sheets><sheet name="${sheet}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    },
    { name: "xl/_rels/workbook.xml.rels", content: related("worksheet", "worksheets/sheet1.xml") },
    { name: "xl/worksheets/sheet1.xml", content: `<worksheet xmlns="${main}"><sheetData>${data}</sheetData></worksheet>` },
  ]);
}

/** A book with these chapters, as HTML. */
export function book(...chapters: string[]): Buffer {
  const items = chapters.map((_, index) => `<item id="c${index}" href="c${index}.xhtml"/>`).join("");
  const spine = chapters.map((_, index) => `<itemref idref="c${index}"/>`).join("");
  return zip([
    { name: "mimetype", content: "application/epub+zip" },
    {
      name: "META-INF/container.xml",
      content: '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>',
    },
    { name: "book.opf", content: `<package><manifest>${items}</manifest><spine>${spine}</spine></package>` },
    ...chapters.map((html, index) => ({ name: `c${index}.xhtml`, content: `<html><body>${html}</body></html>` })),
  ]);
}
