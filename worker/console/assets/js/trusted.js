// What may become markup or a script's address: what our own server rendered, and the worker of the live stream.
// There is no createScript: a script within a fragment never runs.
"use strict";
const here = document.currentScript.src.replace(/[^/]*$/, "");
const policy = window.trustedTypes ? trustedTypes.createPolicy("countersign", {
  createHTML: text => text,
  createScriptURL: address => {
    if (address !== here + "live-worker.js") throw new TypeError("not the worker");
    return address;
  },
}) : { createHTML: text => text, createScriptURL: address => address };
htmx.registerExtension("countersign", { init: api => api.initSecurity(policy) });
