package value

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"sort"
)

// FromGo turns ordinary Go data (maps, slices, numbers, strings) into values;
// keys of Go maps are sorted. What is already a value is kept as it is.
func FromGo(v any) any {
	switch v := v.(type) {
	case nil, bool, int, float64, string, Unsafe, Tuple, *List, *Dict, *big.Int, Mapping:
		return v
	case []any:
		out := &List{Items: make([]any, len(v))}
		for i, e := range v {
			out.Items[i] = FromGo(e)
		}
		return out
	case []string:
		return Strings(v)
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		d := &Dict{}
		for _, k := range keys {
			d.Set(k, FromGo(v[k]))
		}
		return d
	case json.Number:
		if n, ok := ParseInt(string(v), 10); ok {
			return n
		}
		f, _ := v.Float64()
		return f
	case int64:
		return int(v)
	case uint64:
		return Int(new(big.Int).SetUint64(v))
	case []byte:
		return string(v)
	case error:
		return v.Error()
	}
	return fromReflect(reflect.ValueOf(v), v)
}

func fromReflect(r reflect.Value, v any) any {
	switch r.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		return int(r.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Int(new(big.Int).SetUint64(r.Uint()))
	case reflect.Float32:
		return r.Float()
	case reflect.String:
		return r.String()
	case reflect.Bool:
		return r.Bool()
	case reflect.Slice, reflect.Array:
		out := &List{Items: make([]any, r.Len())}
		for i := range out.Items {
			out.Items[i] = FromGo(r.Index(i).Interface())
		}
		return out
	case reflect.Map:
		keys := r.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return fmt.Sprint(keys[i]) < fmt.Sprint(keys[j]) })
		d := &Dict{}
		for _, k := range keys {
			d.Set(FromGo(k.Interface()), FromGo(r.MapIndex(k).Interface()))
		}
		return d
	}
	return v
}

// ToGo turns a value into ordinary Go data: map[string]any, []any, string,
// int, float64, bool, nil; big integers become json.Number. Keys that are not
// strings are printed as Python prints them.
func ToGo(v any) any { return toGo(v, 0) }

func toGo(v any, depth int) any {
	if depth > maxDepth {
		return nil
	}
	switch v := v.(type) {
	case Unsafe:
		return string(v)
	case *big.Int:
		return json.Number(v.String())
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return FormatFloat(v)
		}
		return v
	case Tuple:
		return toGoItems(v, depth)
	case *List:
		return toGoItems(v.Items, depth)
	case *Dict:
		out := make(map[string]any, v.Len())
		for k, e := range v.All() {
			out[Str(k)] = toGo(e, depth+1)
		}
		return out
	case Mapping:
		return mappingToGo(v, depth)
	case Printed:
		return v.PyStr()
	}
	return v
}

func toGoItems(items []any, depth int) []any {
	out := make([]any, len(items))
	for i, e := range items {
		out[i] = toGo(e, depth+1)
	}
	return out
}

func mappingToGo(m Mapping, depth int) any {
	keys, err := m.Keys()
	if err != nil {
		return nil
	}
	out := make(map[string]any, len(keys))
	for _, k := range keys {
		if e, ok, err := m.Get(k); ok && err == nil {
			out[Str(k)] = toGo(e, depth+1)
		}
	}
	return out
}
