package jinja

var generalFilters = []entry{}
