// Files as attachments of a message: pictures made smaller, sound and PDF as they are, everything readable as text.

const MIB = 1 << 20;
const LIMITS = { image: 40 * MIB, audio: 25 * MIB, pdf: 20 * MIB, text: MIB };
const WORDS = { image: "A picture", audio: "A sound file", pdf: "A PDF", text: "A text file" };
const LONGEST_EDGE = 1568; // pixels; what vision models look at
const JPEG_QUALITY = 0.9;
const AUDIO = new Map([["audio/wav", "wav"], ["audio/x-wav", "wav"], ["audio/wave", "wav"], ["audio/vnd.wave", "wav"], ["audio/mpeg", "mpeg"], ["audio/mp3", "mpeg"]]);

export const MOST_FILES = 10;

export class Unreadable extends Error {}

// { kind, name, data } or an Unreadable with a sentence.
export async function readFile(file) {
  const name = file.name || "pasted file";
  const kind = kindOf(file);
  if (file.size > LIMITS[kind]) {
    throw new Unreadable(`${name} is too large. ${WORDS[kind]} may have up to ${LIMITS[kind] / MIB} MiB.`);
  }
  return { kind, name: name.slice(0, 200), data: await READERS[kind](file, name) };
}

function kindOf(file) {
  if (file.type.startsWith("image/") && file.type !== "image/svg+xml") return "image";
  if (AUDIO.has(file.type)) return "audio";
  return file.type === "application/pdf" ? "pdf" : "text";
}

const READERS = {
  image: picture,
  audio: (file) => dataAddress(file, `audio/${AUDIO.get(file.type)}`),
  pdf: (file) => dataAddress(file, "application/pdf"),
  text: plainText,
};

async function picture(file, name) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Unreadable(`${name} is a picture that this browser cannot read. PNG, JPEG and WebP work.`);
  });
  const scale = Math.min(1, LONGEST_EDGE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const brush = canvas.getContext("2d");
  brush.fillStyle = "white"; // JPEG knows no transparency
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.toDataURL("image/jpeg", JPEG_QUALITY);
}

function dataAddress(file, type) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(`data:${type};base64,${reader.result.slice(reader.result.indexOf(",") + 1)}`);
    reader.onerror = () => reject(new Unreadable(`${file.name} could not be read.`));
    reader.readAsDataURL(file);
  });
}

async function plainText(file, name) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    if (!text.includes("\0")) return text.replace(/\r\n?/g, "\n");
  } catch {
    // told below, like a file that is no text
  }
  throw new Unreadable(`${name} is no file that can be attached. Pictures, WAV and MP3 sound, PDF and text files can.`);
}
