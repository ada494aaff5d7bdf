// journal_check DIRECTORY VERIFIER-KEY: somebody else's reader of our journal.
//
// Opens the checkpoint with golang.org/x/mod/sumdb/note, authenticates the tiles with golang.org/x/mod/sumdb/tlog,
// splits every entry bundle as c2sp.org/tlog-tiles says, and checks an inclusion proof of every entry. Nothing of
// tranche's code is used. Prints "ok ENTRIES ROOT"; exits 1 with the reason otherwise.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// x/mod writes tile/8/<L>/<N>, C2SP tile/<L>/<N>: the height is fixed there.
type tiles struct{ directory string }

func (t tiles) Height() int { return height }
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.directory, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// Hashes that the tile reader has authenticated, each asked for once.
type memo struct {
	reader tlog.HashReader
	known  map[int64]tlog.Hash
}

func (m memo) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var missing []int64
	for _, index := range indexes {
		if _, ok := m.known[index]; !ok {
			missing = append(missing, index)
		}
	}
	if len(missing) > 0 {
		hashes, err := m.reader.ReadHashes(missing)
		if err != nil {
			return nil, err
		}
		for i, index := range missing {
			m.known[index] = hashes[i]
		}
	}
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = m.known[index]
	}
	return found, nil
}

func check(directory, key string) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tree, err
	}
	signed, err := os.ReadFile(filepath.Join(directory, "checkpoint"))
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("checkpoint %q is not of %s", opened.Text, verifier.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return tree, err
	}

	reader := memo{tlog.TileHashReader(tree, tiles{directory}), map[int64]tlog.Hash{}}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return tree, err
	}
	if root != tree.Hash {
		return tree, fmt.Errorf("root %v, signed %v", root, tree.Hash)
	}
	for first := int64(0); first < tree.N; first += 1 << height {
		width := tree.N - first
		if width > 1<<height {
			width = 1 << height
		}
		path := tlog.Tile{H: height, L: 0, N: first >> height, W: int(width)}.Path()
		path = strings.Replace(path, "tile/8/0/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(directory, path))
		if err != nil {
			return tree, err
		}
		// One request for all that the proofs of this bundle need below its tile's top.
		var below []int64
		for level := 0; level < height; level++ {
			for n := first >> level; (n+1)<<level <= first+width; n++ {
				below = append(below, tlog.StoredHashIndex(level, n))
			}
		}
		if _, err := reader.ReadHashes(below); err != nil {
			return tree, err
		}
		for index := first; index < first+width; index++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return tree, fmt.Errorf("%s ends inside entry %d", path, index)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			entry := bundle[2 : 2+length]
			bundle = bundle[2+length:]
			proof, err := tlog.ProveRecord(tree.N, index, reader)
			if err != nil {
				return tree, err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
				return tree, fmt.Errorf("entry %d: %v", index, err)
			}
			var parsed struct{ Index int64 }
			if err := json.Unmarshal(entry, &parsed); err != nil || parsed.Index != index {
				return tree, fmt.Errorf("entry %d is no JSON of that index: %v", index, err)
			}
		}
		if len(bundle) != 0 {
			return tree, fmt.Errorf("%s has %d bytes too many", path, len(bundle))
		}
	}
	return tree, nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: journal_check DIRECTORY VERIFIER-KEY")
		os.Exit(2)
	}
	tree, err := check(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "journal_check:", err)
		os.Exit(1)
	}
	fmt.Println("ok", tree.N, tree.Hash)
}
