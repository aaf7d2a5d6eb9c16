import { expect, test } from "vitest";
import { ageText, printListing, printRecord, spanText } from "../../src/cli/output.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const listing = {
  records: [
    { id: "w1", state: "healthy" },
    { id: "worker-22", state: "\u001b[31mdead\u001b[0m" },
  ],
  columns: ["ID", "STATE", "X"],
  cells: ({ id, state }: { id: string; state: string }) => [id, state, "x"],
};

test("a table lines up its columns, colours left aside, with no trailing spaces", async () => {
  const terminal = fakeTerminal();
  await printListing(terminal, "table", listing);
  expect(terminal.out()).toBe(
    [
      "ID         STATE    X",
      "w1         healthy  x",
      "worker-22  \u001b[31mdead\u001b[0m     x",
    ].join("\n"),
  );
});

test("json is one array, also of nothing; jsonl is one record per line", async () => {
  const json = fakeTerminal();
  await printListing(json, "json", listing);
  expect(JSON.parse(json.out())).toEqual(listing.records);
  const lines = fakeTerminal();
  await printListing(lines, "jsonl", listing);
  expect(
    lines
      .out()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual(listing.records);
  const empty = fakeTerminal();
  await printListing(empty, "json", { ...listing, records: [] });
  expect(empty.out()).toBe("[]");
});

test("one record is lines for people and one JSON object for programs", () => {
  const [table, jsonl] = [fakeTerminal(), fakeTerminal()];
  printRecord(table, "table", { a: 1 }, ["one", "two"]);
  printRecord(jsonl, "jsonl", { a: 1 }, ["one", "two"]);
  expect(table.out()).toBe("one\ntwo");
  expect(jsonl.out()).toBe('{"a":1}');
});

test.each([
  [0, "0s"],
  [-5_000, "0s"],
  [119_400, "119s"],
  [120_000, "2m"],
  [7_200_000, "2h"],
  [172_800_000, "2d"],
])("an age of %i ms is %s", (ms, text) => {
  expect(ageText(0, ms)).toBe(text);
});

test("spans are milliseconds below a second and seconds above", () => {
  expect(spanText(3.4)).toBe("3 ms");
  expect(spanText(1_234)).toBe("1.2 s");
});
