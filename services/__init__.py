"""The application: three services that tell each other only facts."""
