import { useEffect, useRef } from "preact/hooks";
import { shown } from "../shared/text.ts";
import type { Choose } from "./app.tsx";
import type { Choice } from "./choice.ts";
import type { Model } from "./model.ts";
import { statesOf } from "./states.ts";

interface Props {
  readonly model: Model;
  readonly choice: Choice;
  readonly choose: Choose;
}

/** What is looked for; "/" goes to the text. */
export function Filters({ model, choice, choose }: Props) {
  const search = useSlash();
  const machines = [...model.machines.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const chart = model.machines.get(choice.machine)?.chart;
  return (
    <search class="filters">
      <input
        ref={search}
        type="search"
        placeholder="find an actor ( / )"
        aria-label="Find an actor by its address, state, process or machine"
        value={choice.text}
        onInput={({ currentTarget }) => choose({ text: currentTarget.value })}
      />
      <Select
        label="machine"
        value={choice.machine}
        options={machines.map(({ hash, id }) => [hash, id])}
        onChange={(machine) => choose({ machine, state: "" })}
      />
      <Select
        label="process"
        value={choice.node}
        options={model.nodes.map(({ node }) => [node, node])}
        onChange={(node) => choose({ node })}
      />
      {(chart !== undefined || choice.state !== "") && (
        <Select
          label="state"
          value={choice.state}
          options={statesOf(chart).map((state) => [state, state])}
          onChange={(state) => choose({ state })}
        />
      )}
    </search>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
}

function Select({ label, value, options, onChange }: SelectProps) {
  const isKnown = value === "" || options.some(([each]) => each === value);
  return (
    <select
      aria-label={`Only this ${label}`}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    >
      <option value="">any {label}</option>
      {!isKnown && <option value={value}>{shown(value, 60)}</option>}
      {options.map(([each, text]) => (
        <option key={each} value={each}>
          {shown(text, 60)}
        </option>
      ))}
    </select>
  );
}

function useSlash() {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  return input;
}
