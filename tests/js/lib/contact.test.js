import assert from "node:assert/strict";
import { test } from "node:test";

import { reads_as_contact } from "../../../static/js/lib/contact.js";

test("addresses and numbers as people write them are taken", () => {
  for (const text of ["ada@example.org", " ada.l+visit@mail.example.co ", "+49 171 1234567", "0171/123 45-67", "(030) 123456"]) assert.equal(reads_as_contact(text), true, text);
});

test("what is surely neither is not", () => {
  for (const text of ["", "Ada", "ada@", "ada@example", "a da@example.org", "12345", "+", "0171 abc 4567"]) assert.equal(reads_as_contact(text), false, text);
});
