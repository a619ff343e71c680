// Submits an application over mutual TLS and prints its id and state.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	api "safeconduct.example/gen/safeconduct/applications/v1"
)

// A retry has the same request_id, so the service stores the application once.
const retries = `{"methodConfig": [{"name": [{}], "retryPolicy": {
	"maxAttempts": 5, "initialBackoff": "0.2s", "maxBackoff": "2s", "backoffMultiplier": 2,
	"retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]}}]}`

func main() {
	log.SetFlags(0)
	connection, err := grpc.NewClient(os.Getenv("SAFECONDUCT_APPLICATIONS"),
		grpc.WithTransportCredentials(identity()), grpc.WithDefaultServiceConfig(retries))
	check(err)
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	applications := api.NewApplicationServiceClient(connection)
	answer, err := applications.SubmitApplication(ctx, &api.SubmitApplicationRequest{
		RequestId: uuid.NewString(), Details: details(publicKey("SIGNATORY_KEY"))})
	check(err)
	fmt.Println(answer.Application.ApplicationId, answer.Application.State)
}

// identity returns the caller's certificate and the authority of the service.
func identity() credentials.TransportCredentials {
	own, err := tls.LoadX509KeyPair(os.Getenv("SAFECONDUCT_CERT"), os.Getenv("SAFECONDUCT_KEY"))
	check(err)
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(read("SAFECONDUCT_CA"))
	return credentials.NewTLS(
		&tls.Config{Certificates: []tls.Certificate{own}, RootCAs: authorities})
}

// publicKey returns the public half of the Ed25519 key in the PEM file that a variable names.
func publicKey(variable string) []byte {
	block, _ := pem.Decode(read(variable))
	if block == nil {
		log.Fatalf("%s: no PEM file", variable)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	check(err)
	return key.(ed25519.PrivateKey).Public().(ed25519.PublicKey)
}

func read(variable string) []byte {
	content, err := os.ReadFile(os.Getenv(variable))
	check(err)
	return content
}

// check ends the program with an error. A refusal has the reason and the refused fields.
func check(err error) {
	if err == nil {
		return
	}
	for _, detail := range status.Convert(err).Details() {
		switch found := detail.(type) {
		case *errdetails.ErrorInfo:
			log.Println(found.Reason)
		case *errdetails.BadRequest:
			for _, field := range found.FieldViolations {
				log.Println(field.Field, field.Description)
			}
		}
	}
	log.Fatal(err)
}
