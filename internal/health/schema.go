package health

// Schema is the JSON Schema of what may stand after health: "probes" for a
// play, "probesWhole" for a task, "probe" for one entry of a list, and what these
// use. A value may always
// be a template instead.
func Schema() map[string]any {
	settings := map[string]any{}
	for name, doc := range map[string]string{
		"every":     "Time between two tries; 1s.",
		"for":       "How long the probe may take to pass; 1m.",
		"timeout":   "Time limit of one try; 5s.",
		"stable":    "How long answers must have been good without a break.",
		"successes": "How many good answers in a row it takes; 1.",
		"backoff":   "Factor that every grows by after each bad answer; 1.",
	} {
		settings[name] = described(map[string]any{"type": []any{"number", "string", "null"}}, doc)
	}
	settings["from"] = described(choice([]string{string(FromTarget), string(FromController)}), "Who asks.")
	settings["name"] = described(map[string]any{"type": []any{"string", "number", "null"}}, "How people are told of it.")

	list := map[string]any{"$ref": "#/$defs/probeList"}
	probe := map[string]any{
		"any":  described(list, "One of these must pass."),
		"all":  described(list, "All of these must pass."),
		"of":   described(list, "k_of of these must pass."),
		"k_of": described(map[string]any{"type": []any{"integer", "string", "null"}}, "How many must pass."),
	}
	for name, s := range settings {
		probe[name] = s
	}
	for _, k := range kinds {
		probe[k.name] = ref("probe_" + k.name)
	}
	whole := map[string]any{"probes": described(list, "The probes, with the settings beside them.")}
	for name, s := range probe {
		whole[name] = s
	}
	defs := map[string]any{
		"template":  map[string]any{"type": "string", "pattern": `\{[{%#]`},
		"probe":     map[string]any{"type": "object", "properties": probe, "additionalProperties": false, "minProperties": 1},
		"probeList": map[string]any{"anyOf": []any{map[string]any{"type": "array", "items": map[string]any{"anyOf": []any{ref("probe"), ref("template")}}}, ref("template")}},
		"probes": map[string]any{"anyOf": []any{
			ref("probeList"), ref("probesWhole"), map[string]any{"type": "null"},
		}},
		"probesWhole": map[string]any{"type": "object", "properties": whole, "additionalProperties": false},
		"httpStep":    map[string]any{"type": "object", "properties": properties(stepOptions), "additionalProperties": false, "required": []any{"url"}},
	}
	for _, k := range kinds {
		defs["probe_"+k.name] = k.schema()
	}
	return defs
}

func ref(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }

func described(s map[string]any, doc string) map[string]any {
	out := map[string]any{"description": doc}
	for k, v := range s {
		out[k] = v
	}
	return out
}

func choice(words []string) map[string]any {
	all := make([]any, len(words))
	for i, w := range words {
		all[i] = w
	}
	return map[string]any{"anyOf": []any{map[string]any{"enum": all}, ref("template"), map[string]any{"type": "null"}}}
}

func properties(list []option) map[string]any {
	out := map[string]any{}
	for i := range list {
		out[list[i].name] = list[i].schema()
	}
	return out
}

// schema of a kind: its short form, or a mapping of its options.
func (k *kind) schema() map[string]any {
	long := map[string]any{"type": "object", "properties": properties(k.options), "additionalProperties": false}
	return map[string]any{"anyOf": []any{k.option(k.short).schema(), long}}
}

func (o *option) schema() map[string]any {
	types := func(names ...any) map[string]any { return map[string]any{"type": append(names, "null")} }
	switch o.shape {
	case integer, port:
		return types("integer", "string")
	case flag:
		return types("boolean", "string")
	case length, size, room:
		return types("number", "string")
	case words, statuses:
		return types("string", "number", "array")
	case texts, patterns, values:
		return types("object", "string")
	case stepList:
		return map[string]any{"anyOf": []any{map[string]any{"type": "array", "items": map[string]any{"anyOf": []any{ref("httpStep"), ref("template")}}}, ref("template")}}
	case oneOf:
		return choice(o.words)
	}
	return types("string", "number", "boolean")
}
