package main

import (
	"context"
	"fmt"

	"mailvet/report/score"
	"mailvet/report/text"
	"mailvet/scanner"
)

func runChecks(_ context.Context, args []string, std streams) error {
	fs := newFlags("checks", "[ID]", "Lists the checks; with an ID, explains it: what it is, why it matters, and how\nto get it right.", std)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	width, ok := terminalWidth(std.out)
	if !ok {
		width = 80
	}
	switch fs.NArg() {
	case 0:
		if err := text.Catalogue(std.out, scanner.Catalogue, width); err != nil {
			return writeError("list", err)
		}
		return nil
	case 1:
		for _, c := range scanner.Catalogue {
			if c.ID == fs.Arg(0) || c.API == fs.Arg(0) {
				if err := text.Explain(std.out, c, score.InternetNL(), width); err != nil {
					return writeError("explanation", err)
				}
				return nil
			}
		}
		return usageError{"checks", fmt.Errorf("there is no check %q; \"mailvet checks\" lists them", clip(fs.Arg(0)))}
	}
	return usageError{"checks", fmt.Errorf("give one check at a time, but got %d", fs.NArg())}
}
