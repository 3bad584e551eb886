package event

import "encoding/json"

// ReadData reads the body of an event of a kind from its JSON; a kind that this
// version does not know becomes Raw.
func ReadData(kind Type, b json.RawMessage) (Data, error) { return readData(kind, b) }
