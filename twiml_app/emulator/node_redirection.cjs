// Lead the clients of a Node program to the emulator that ignore proxies: fetch, undici, got and others.
// The program's Node runs a copy of this file before the program, whatever its version is.
"use strict";

const net = require("net");

function isTwilio(options) {
  return Boolean(options) && /\.twilio\.com\.?$/i.test(options.host || "") && Number(options.port) === 443;
}

function redirect(port) {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    // net.connect passes on its arguments as one array, whose first item has the options.
    const list = Array.isArray(args[0]) ? args[0] : args;
    if (isTwilio(list[0])) list[0] = { ...list[0], host: "127.0.0.1", port };
    return connect.apply(this, args);
  };
}
