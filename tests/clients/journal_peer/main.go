// journal_peer: what others do with our journal, on golang.org/x/mod/sumdb and nothing of tranche's code.
//
//	journal_peer witness NAME VERIFIER-KEY   c2sp.org/tlog-witness on a free loopback port; prints "PORT KEY"
//	journal_peer proof FILE VERIFIER-KEY     checks a c2sp.org/tlog-proof whose extra line is the entry; prints "ok INDEX SIZE"
//	journal_peer growth FILE OLD VERIFIER-KEY  checks a consistency proof against the checkpoint in OLD; prints "ok OLD NEW"
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func openCheckpoint(signed []byte, verifier note.Verifier) (tree tlog.Tree, text string, err error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tree, "", err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, "", fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, "", err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, opened.Text, err
}

// Lines up to the empty one, and what stands behind it.
func splitBody(body []byte) ([]string, []byte, error) {
	head, rest, found := bytes.Cut(body, []byte("\n\n"))
	if !found {
		return nil, nil, fmt.Errorf("no empty line")
	}
	return strings.Split(string(head), "\n"), rest, nil
}

func parseHashes(lines []string) (hashes []tlog.Hash, err error) {
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func checkProof(file string, verifier note.Verifier) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines, checkpoint, err := splitBody(text)
	if err != nil || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a tlog-proof")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	proof, err := parseHashes(lines[3:])
	if err != nil {
		return err
	}
	tree, _, err := openCheckpoint(checkpoint, verifier)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(tlog.RecordProof(proof), tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Println("ok", index, tree.N)
	return nil
}

func checkGrowth(file, old string, verifier note.Verifier) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	seen, err := os.ReadFile(old)
	if err != nil {
		return err
	}
	before, _, err := openCheckpoint(seen, verifier)
	if err != nil {
		return err
	}
	lines, checkpoint, err := splitBody(text)
	if err != nil {
		return err
	}
	after, _, err := openCheckpoint(checkpoint, verifier)
	if err != nil {
		return err
	}
	if lines[0] != fmt.Sprintf("old %d", before.N) {
		return fmt.Errorf("%s, seen %d", lines[0], before.N)
	}
	proof, err := parseHashes(lines[1:])
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(tlog.TreeProof(proof), after.N, after.Hash, before.N, before.Hash); err != nil {
		return err
	}
	fmt.Println("ok", before.N, after.N)
	return nil
}

type witness struct {
	mutex    sync.Mutex
	name     string
	key      ed25519.PrivateKey
	verifier note.Verifier
	seen     tlog.Tree
}

func (w *witness) keyHash() []byte {
	tagged := append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(append([]byte(w.name+"\n"), tagged...))
	return sum[:4]
}

func (w *witness) verifierKey() string {
	tagged := append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
	return fmt.Sprintf("%s+%x+%s", w.name, w.keyHash(), base64.StdEncoding.EncodeToString(tagged))
}

func (w *witness) conflict(answer http.ResponseWriter) {
	answer.Header().Set("Content-Type", "text/x.tlog.size")
	answer.WriteHeader(http.StatusConflict)
	fmt.Fprintf(answer, "%d\n", w.seen.N)
}

func (w *witness) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<16))
	if err != nil || request.Method != "POST" || request.URL.Path != "/add-checkpoint" {
		http.Error(answer, "POST /add-checkpoint", http.StatusBadRequest)
		return
	}
	lines, checkpoint, err := splitBody(body)
	if err != nil || !strings.HasPrefix(lines[0], "old ") {
		http.Error(answer, "not a request", http.StatusBadRequest)
		return
	}
	if !bytes.HasPrefix(checkpoint, []byte(w.verifier.Name()+"\n")) {
		http.Error(answer, "unknown log", http.StatusNotFound)
		return
	}
	tree, text, err := openCheckpoint(checkpoint, w.verifier)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusForbidden)
		return
	}
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil || old > tree.N {
		http.Error(answer, "bad old size", http.StatusBadRequest)
		return
	}
	if old != w.seen.N || (old == tree.N && w.seen.Hash != tree.Hash) {
		w.conflict(answer)
		return
	}
	proof, err := parseHashes(lines[1:])
	if err != nil || (old == 0 && len(proof) > 0) {
		http.Error(answer, "bad proof", http.StatusUnprocessableEntity)
		return
	}
	if old > 0 {
		if err := tlog.CheckTree(tlog.TreeProof(proof), tree.N, tree.Hash, old, w.seen.Hash); err != nil {
			http.Error(answer, err.Error(), http.StatusUnprocessableEntity)
			return
		}
	}
	w.seen = tree
	now := time.Now().Unix()
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", now, text)
	signature := binary.BigEndian.AppendUint64(w.keyHash(), uint64(now))
	signature = append(signature, ed25519.Sign(w.key, []byte(message))...)
	fmt.Fprintf(answer, "\u2014 %s %s\n", w.name, base64.StdEncoding.EncodeToString(signature))
}

func run(words []string) error {
	if len(words) < 3 {
		return fmt.Errorf("usage: journal_peer witness|proof|growth ...")
	}
	verifier, err := note.NewVerifier(words[len(words)-1])
	if err != nil {
		return err
	}
	switch {
	case words[0] == "witness" && len(words) == 3:
		seed := sha256.Sum256([]byte(words[1]))
		w := &witness{name: words[1], key: ed25519.NewKeyFromSeed(seed[:]), verifier: verifier}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port, w.verifierKey())
		return http.Serve(listener, w)
	case words[0] == "proof" && len(words) == 3:
		return checkProof(words[1], verifier)
	case words[0] == "growth" && len(words) == 4:
		return checkGrowth(words[1], words[2], verifier)
	}
	return fmt.Errorf("no such verb")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "journal_peer:", err)
		os.Exit(1)
	}
}
