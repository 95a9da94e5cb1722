// Conversations in this browser: IndexedDB, or localStorage where that is not to be had, or memory as the last resort.
// Every store knows: list() the heads, read(id), write(conversation), remove(id).

import { fromOldPage, revive } from "./conversation.js";

const NAME = "meshbox-chat";
const OLD_KEY = "meshbox-chat";
const PREFIX = "meshbox-chat:";

const headOf = ({ id, title, created, changed }) => ({ id, title, created, changed });

export async function openStore() {
  const store = await openIndexed().catch(() => null) ?? openLocal() ?? new MemoryStore();
  await moveOldPage(store).catch(() => {}); // it stays where it is, for another time
  return store;
}

async function openIndexed() {
  const asking = indexedDB.open(NAME, 1);
  asking.onupgradeneeded = () => {
    asking.result.createObjectStore("heads", { keyPath: "id" });
    asking.result.createObjectStore("bodies", { keyPath: "id" });
  };
  return new IndexedStore(await finished(asking));
}

function openLocal() {
  try {
    localStorage.setItem(PREFIX, "");
    localStorage.removeItem(PREFIX);
    return new LocalStore();
  } catch {
    return null;
  }
}

function finished(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

class IndexedStore {
  lasting = true;

  constructor(base) {
    this.base = base;
    base.onversionchange = () => base.close();
  }

  list() {
    return finished(this.base.transaction("heads").objectStore("heads").getAll());
  }

  async read(id) {
    return revive(await finished(this.base.transaction("bodies").objectStore("bodies").get(id)));
  }

  write(conversation) {
    return this.#change((heads, bodies) => {
      heads.put(headOf(conversation));
      bodies.put(conversation);
    });
  }

  remove(id) {
    return this.#change((heads, bodies) => {
      heads.delete(id);
      bodies.delete(id);
    });
  }

  #change(work) {
    const transaction = this.base.transaction(["heads", "bodies"], "readwrite");
    work(transaction.objectStore("heads"), transaction.objectStore("bodies"));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

class LocalStore {
  lasting = true;

  async list() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    return keys.map((key) => this.#parse(key)).filter((one) => one !== null).map(headOf);
  }

  async read(id) { return this.#parse(PREFIX + id); }

  async write(conversation) { localStorage.setItem(PREFIX + conversation.id, JSON.stringify(conversation)); }

  async remove(id) { localStorage.removeItem(PREFIX + id); }

  #parse(key) {
    try {
      return revive(JSON.parse(localStorage.getItem(key)));
    } catch {
      return null;
    }
  }
}

class MemoryStore {
  lasting = false;
  #kept = new Map();

  async list() { return [...this.#kept.values()].map(headOf); }
  async read(id) { return this.#kept.get(id) ?? null; }
  async write(conversation) { this.#kept.set(conversation.id, conversation); }
  async remove(id) { this.#kept.delete(id); }
}

async function moveOldPage(store) {
  const old = localStorage.getItem(OLD_KEY);
  if (old === null) return;
  const conversation = fromOldPage(JSON.parse(old));
  if (conversation !== null) await store.write(conversation);
  localStorage.removeItem(OLD_KEY);
}
