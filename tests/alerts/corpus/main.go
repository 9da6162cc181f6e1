// Command corpus asks Alertmanager's own code what it makes of matchers.
//
// It reads inputs as JSON lines from stdin and writes one verdict for each to stdout. Whatever
// Alertmanager refuses is null; whatever it accepts is a list of [name, operator, value], and
// "matched" says, as a string of 0 and 1, which of the label sets of the first line they match.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	amcommon "github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/pkg/labels"
)

type input struct {
	LabelSets []model.LabelSet `json:"label_sets"` // the first line only
	Text      *string          `json:"text"`
	Lines     []string         `json:"lines"` // a `matchers:` list of a configuration
}

type verdict struct {
	Classic *[][3]string `json:"classic,omitempty"`
	UTF8    *[][3]string `json:"utf8,omitempty"`
	Default *[][3]string `json:"default,omitempty"`
	Matched string       `json:"matched,omitempty"`
}

func main() {
	log.SetFlags(0)
	nop := promslog.NewNopLogger()
	// What Alertmanager does at its start when no feature flag is given.
	compat.InitFromFlags(nop, featurecontrol.NoopFlags{})
	classic := compat.ClassicMatchersParser(nop)
	utf8 := compat.UTF8MatchersParser(nop)

	decoder := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	var labelSets []model.LabelSet
	for {
		var in input
		if err := decoder.Decode(&in); err == io.EOF {
			break
		} else if err != nil {
			log.Fatalf("reading inputs: %v", err)
		}
		var said verdict
		var ms labels.Matchers
		var err error
		switch {
		case in.LabelSets != nil:
			labelSets = in.LabelSets
			continue
		case in.Text != nil:
			said.Classic = triples(classic(*in.Text, "corpus"))
			said.UTF8 = triples(utf8(*in.Text, "corpus"))
			ms, err = compat.Matchers(*in.Text, "corpus")
		default:
			ms, err = fromConfiguration(in.Lines)
		}
		said.Default = triples(ms, err)
		if err == nil {
			said.Matched = matched(ms, labelSets)
		}
		if err := encoder.Encode(said); err != nil {
			log.Fatalf("writing verdicts: %v", err)
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatalf("writing verdicts: %v", err)
	}
}

func fromConfiguration(lines []string) (labels.Matchers, error) {
	var ms amcommon.Matchers
	err := ms.UnmarshalYAML(func(into any) error {
		*into.(*[]string) = lines
		return nil
	})
	return labels.Matchers(ms), err
}

func triples(ms labels.Matchers, err error) *[][3]string {
	if err != nil {
		return nil
	}
	found := make([][3]string, 0, len(ms))
	for _, m := range ms {
		found = append(found, [3]string{m.Name, m.Type.String(), m.Value})
	}
	return &found
}

func matched(ms labels.Matchers, labelSets []model.LabelSet) string {
	bits := make([]byte, 0, len(labelSets))
	for _, set := range labelSets {
		if ms.Matches(set) {
			bits = append(bits, '1')
		} else {
			bits = append(bits, '0')
		}
	}
	return string(bits)
}
