"""How answers look: documents for programs, tables and sentences for people."""
