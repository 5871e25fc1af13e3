// What asks the browser for a passkey. https://www.w3.org/TR/webauthn-3/
(() => {
  "use strict";

  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const ids = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  // What was asked, in the browser's types.
  const question = ({ publicKey }) => {
    const q = { ...publicKey, challenge: bytes(publicKey.challenge) };
    if (q.user) q.user = { ...q.user, id: bytes(q.user.id) };
    if (q.excludeCredentials) q.excludeCredentials = ids(q.excludeCredentials);
    if (q.allowCredentials) q.allowCredentials = ids(q.allowCredentials);
    return { publicKey: q };
  };

  // What came of it, as JSON.
  const answer = (key) => {
    const from = key.response;
    const response = { clientDataJSON: text(from.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (from[part]) response[part] = text(from[part]);
    }
    if (from.getTransports) response.transports = from.getTransports();
    return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response, clientExtensionResults: {},
      authenticatorAttachment: key.authenticatorAttachment || undefined });
  };

  const words = (e) => {
    switch (e.name) {
      case "NotAllowedError": return "Nothing was done: the device has no passkey for this, or it was put off. Try once more.";
      case "InvalidStateError": return "This device has a passkey of your account already.";
      case "SecurityError": return "The browser gives no passkeys under this address.";
    }
    return "This did not work. Reload the page and try once more.";
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const go = form.querySelector("[data-passkey-go]");
    const problem = form.querySelector("[data-passkey-problem]");
    const say = (what) => {
      problem.querySelector("p").textContent = what;
      problem.hidden = !what;
    };
    if (!window.PublicKeyCredential) continue;
    form.querySelector("[data-passkey-without]").hidden = true;
    go.hidden = false;
    go.addEventListener("click", async () => {
      go.disabled = true;
      say("");
      try {
        const got = await fetch(form.dataset.options, { credentials: "same-origin", redirect: "error", headers: { Accept: "application/json" } });
        if (!got.ok) throw new Error("refused");
        const asked = question(await got.json());
        const key = form.dataset.passkey === "make" ? await navigator.credentials.create(asked) : await navigator.credentials.get(asked);
        form.elements.answer.value = answer(key);
        form.submit();
      } catch (e) {
        say(words(e));
        go.disabled = false;
      }
    });
  }
})();
