// A conversation as the body of an API request.

const GO_ON = "Your last answer was cut off. Go on exactly where it ended. Do not repeat anything and do not comment.";

// `answer` is the message that is to be filled; `how` says in which way an answer begun is continued: "new" asks for a
// whole one, "prefill" gives its beginning as the model's own words, "told" asks the model in words to go on.
// `addresses` has those of attachments that the box keeps.
export function requestBody(conversation, answer, how, addresses) {
  const { options } = conversation;
  const messages = saidBefore(conversation, answer).map((message) => ({ role: message.role, content: contentOf(message, addresses) }));
  if (options.system) messages.unshift({ role: "system", content: options.system });
  if (how !== "new") messages.push({ role: "assistant", content: answer.text });
  if (how === "told") messages.push({ role: "user", content: GO_ON });
  const body = { model: conversation.model, messages, stream: true, stream_options: { include_usage: true } };
  if (options.temperature !== null) body.temperature = options.temperature;
  if (options.max_tokens !== null) body.max_tokens = options.max_tokens;
  return JSON.stringify(body);
}

// Models want question and answer in turn: a question that got no answer is left out, but for the last one.
export function saidBefore(conversation, answer) {
  const messages = conversation.messages.slice(0, conversation.messages.indexOf(answer));
  return messages.filter((message, index) => {
    const pair = message.role === "user" ? messages[index + 1] : message;
    return pair === undefined || pair.text !== "";
  });
}

function contentOf(message, addresses) {
  if (message.role === "assistant") return message.text;
  const inWords = (file) => file.kind === "text" && !addresses.has(file);
  const texts = message.attachments.filter(inWords).map(asText);
  const text = [...texts, message.text].filter((part) => part !== "").join("\n\n");
  const media = message.attachments.filter((file) => !inWords(file)).map((file) => asPart(file, addresses.get(file)));
  return media.length ? [...media, ...(text ? [{ type: "text", text }] : [])] : text;
}

// Fenced by more ticks than any run in the file, so that the file cannot end its own block.
export function asText({ name, data }) {
  const longest = Math.max(2, ...Array.from(data.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `File: ${name}\n${fence}\n${data}\n${fence}`;
}

function asPart({ kind, name, data }, address) {
  if (kind === "image") return { type: "image_url", image_url: { url: address ?? data } };
  if (kind !== "audio") return { type: "file", file: { filename: name, file_data: address ?? data } };
  const format = data.startsWith("data:audio/wav") ? "wav" : "mp3";
  return { type: "input_audio", input_audio: { data: address ?? data.slice(data.indexOf(",") + 1), format } };
}
