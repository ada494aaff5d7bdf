// Opens a signed note with Go's golang.org/x/mod/sumdb/note, the reference reader of checkpoints.
//
//	note_check VERIFIER-KEY FILE     prints the text; exit 1 when the signature does not verify
package main

import (
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: note_check VERIFIER-KEY FILE")
		os.Exit(2)
	}
	verifier, err := note.NewVerifier(os.Args[1])
	if err == nil {
		var bytes []byte
		if bytes, err = os.ReadFile(os.Args[2]); err == nil {
			var opened *note.Note
			if opened, err = note.Open(bytes, note.VerifierList(verifier)); err == nil {
				fmt.Print(opened.Text)
				return
			}
		}
	}
	fmt.Fprintln(os.Stderr, "note_check:", err)
	os.Exit(1)
}
