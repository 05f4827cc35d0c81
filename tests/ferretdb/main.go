// ferretdb-for-tests is a server of MongoDB's protocol that keeps its data in SQLite files: FerretDB, embedded, so
// that the MongoDB store is tested against a real one where no mongod is installed.
//
//	ferretdb --data DIR [--port N]
//
// It listens on 127.0.0.1; port 0 takes a free one. `ready host=127.0.0.1 port=N` on stdout says that it serves.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1; 0 takes a free one")
	data := flag.String("data", "", "folder for the database files; made when it is missing")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*port, *data); err != nil {
		log.Fatal(err)
	}
}

func run(port int, data string) error {
	folder, err := filepath.Abs(data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: fmt.Sprintf("127.0.0.1:%d", port)},
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder + "/",
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	context, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// MongoDBURI waits until Run listens.
	go announce(server)
	return server.Run(context)
}

func announce(server *ferretdb.FerretDB) {
	uri, err := url.Parse(server.MongoDBURI())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ready host=%s port=%s\n", uri.Hostname(), uri.Port())
}
