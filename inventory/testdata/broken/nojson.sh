#!/bin/sh
echo "{"
